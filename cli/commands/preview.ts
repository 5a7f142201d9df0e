import type { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { filterText } from '../job/filter-text.ts';
import { inProcess, namedOf, shownArgument, targetText, withTarget } from '../job/storage.ts';
import { previewText } from '../render/storage.ts';
import { styleOf } from '../render/style.ts';
import { type Surroundings, sizeArgument } from './scan.ts';

interface PreviewOptions {
  readonly limit: number;
  readonly filter?: string;
  readonly filterFrom?: string;
  /** Bytes. */
  readonly maxSize?: number;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('preview')
    .description(
      'show the first items that a scan would list, with why some are not scanned, and what the filter leaves out',
    )
    .argument('<folder or connector>', 'a path (with a /, or of something that exists), else the id of a connector')
    .option('--limit <n>', 'show at most so many, 1 to 1000', shownArgument, 20)
    .option('--filter <text>', 'try this filter (default: everything; for a connector, its own)')
    .option('--filter-from <file>', 'read the filter from a file (- for stdin)')
    .option('--max-size <bytes>', 'as of dsx scan', sizeArgument)
    .option('--json', 'the answer as JSON')
    .action((target: string, options: PreviewOptions) => inProcess((here) => preview(target, options, here)));
}

/** @throws CliError */
export async function preview(text: string, options: PreviewOptions, here: Surroundings): Promise<number> {
  const { output } = here;
  const filter = await filterText(options, here.cwd);
  const { limit, maxSize } = options;
  return withTarget(text, here, async (client, target, signal) => {
    const query = { limit, ...(filter !== undefined && { filter }), ...(maxSize !== undefined && { maxSize }) };
    const answer = await client.preview(namedOf(target), query, { signal });
    if (options.json === true) output.out(JSON.stringify(answer));
    else output.out(previewText(targetText(target), answer, styleOf(output.stdout)));
    return answer.gaps.length > 0 ? EXIT.gaps : EXIT.ok;
  });
}
