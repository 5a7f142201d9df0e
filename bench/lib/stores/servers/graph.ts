import { type GraphFake, startGraphFake } from '../../../../scripts/servers/graph/fake.ts';
import { tell } from '../apart.ts';

/** What the bench learns of the stand-in. */
export type GraphFacts = Pick<
  GraphFake,
  'origin' | 'tokenOrigin' | 'certificate' | 'tenantId' | 'clientId' | 'clientSecret' | 'host' | 'driveId'
>;

const fake = await startGraphFake();
const { origin, tokenOrigin, certificate, tenantId, clientId, clientSecret, host, driveId } = fake;
// Its log would grow for as long as the bench runs.
setInterval(() => fake.requests.splice(0), 1_000);
const facts: GraphFacts = { origin, tokenOrigin, certificate, tenantId, clientId, clientSecret, host, driveId };
tell(facts, () => fake.stop());
