import { type Fault, lineAt, type SourceFile } from './check.ts';

/**
 * Update validators of workflows must be synchronous: an async one never refuses anything, and leaves the workflow task
 * failing for ever. Finds those that are async where they stand, and those that name an async function of the workflow code.
 */
export function validatorFaults(files: readonly SourceFile[]): Fault[] {
  const workflows = files.filter((file) => file.path.startsWith('workflows/'));
  const asynchronous = new Set(workflows.flatMap((file) => asyncNames(file.text)));
  return workflows.flatMap(({ path: file, text }) => {
    const inline = [...text.matchAll(/\bvalidator\s*:\s*async\b/g), ...text.matchAll(/\basync\s+validator\s*\(/g)];
    const named = [...text.matchAll(/\bvalidator\s*:\s*(?:\w+\.)*(\w+)\s*[,}\n]/g)].filter((match) =>
      asynchronous.has(match[1] ?? ''),
    );
    const short = asynchronous.has('validator') ? [...text.matchAll(/[{,]\s*validator\s*[,}]/g)] : [];
    return [...inline, ...named, ...short].map((match) => ({
      file,
      line: lineAt(text, match.index),
      text: 'the validator of an update is async; make it synchronous (it may only throw or return)',
    }));
  });
}

function asyncNames(text: string): string[] {
  const declared = [
    ...text.matchAll(/\basync\s+function\s*\*?\s*(\w+)/g),
    ...text.matchAll(/\b(?:const|let)\s+(\w+)[^=;]*=\s*async\b/g),
  ];
  const methods = text.matchAll(/^\s*async\s+(\w+)\s*\(/gm);
  return [...declared, ...methods].map((match) => match[1] ?? '');
}
