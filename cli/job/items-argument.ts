import { InvalidArgumentError } from 'commander';

/** Findings as people write them: `0-0:3,0-1:17`, each with or without the job before it. */
export function itemsArgument(text: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.some((item) => !/(^|\/)\d+-\d+:\d+$/.test(item))) throw new InvalidArgumentError('Items, as 0-0:3,0-1:17.');
  return items;
}
