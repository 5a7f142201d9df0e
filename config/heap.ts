import { setFlagsFromString } from 'node:v8';

/**
 * The heap may grow by so much over what is alive before it is collected. V8's own choice, up to fourfold, follows the
 * machine's memory rather than the work: a long scan, or an API that is asked a lot, would take more for nothing. In percent.
 */
const GROWTH_PERCENT = 60;

setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
