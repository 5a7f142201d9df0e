import { hash } from 'node:crypto';
import { isEicar } from './eicar.ts';
import { fileTypeOf } from './file-type.ts';
import { ZIP_CAPS, ZipError, type ZipProblem, zipMembers } from './zip.ts';

/** What the stand-in says about a body. It recognises a few agreed patterns, and nothing that could harm anybody. */
export interface Finding {
  readonly verdict: string;
  readonly description: string;
  readonly fileType: string;
  readonly reason?: string;
  readonly threatType?: string;
  readonly containerFiles?: number;
  readonly containerBytes?: number;
}

export interface EngineRules {
  /** SHA-256 (lower-case hex) that are malicious. */
  readonly badHashes: ReadonlySet<string>;
  /** Byte strings that make a body malicious wherever they stand. */
  readonly badPatterns: readonly Buffer[];
  /** File types that are `Non Compliant`. */
  readonly blockedTypes: ReadonlySet<string>;
  /** File types that are `Unsupported File Type`. */
  readonly unsupportedTypes: ReadonlySet<string>;
}

/** A body as far as it was kept: all of it, or its beginning with the patterns already searched on the way. */
export interface Inspected {
  readonly data: Buffer;
  readonly whole: boolean;
  readonly sha256: string;
  readonly patternFound: boolean;
  /** What came along to open archives with. */
  readonly password?: Buffer | undefined;
}

/** First match wins; see the README. */
export function inspect(rules: EngineRules, body: Inspected): Finding {
  const { data } = body;
  if (rules.badHashes.has(body.sha256)) return malicious(fileTypeOf(data));
  if (isEicar(data)) return malicious('EICARType');
  if (body.patternFound || hasPattern(rules, data)) return malicious(fileTypeOf(data));
  const fileType = fileTypeOf(data);
  const finding = fileType === 'ZIPFileType' ? inspectZip(rules, body) : inspectPlain(data, fileType);
  if (finding.verdict !== 'Benign') return finding;
  if (rules.blockedTypes.has(finding.fileType)) {
    return {
      ...finding,
      verdict: 'Non Compliant',
      description: 'File type blocked by policy',
      reason: 'Blocked File Type',
    };
  }
  if (rules.unsupportedTypes.has(finding.fileType)) {
    return { ...finding, verdict: 'Unsupported File Type', description: 'File type not supported' };
  }
  return finding;
}

function inspectPlain(data: Buffer, fileType: string): Finding {
  const locked =
    (fileType === 'PDFFileType' && data.includes('/Encrypt')) ||
    (fileType === 'OfficeFileType' && data.includes(Buffer.from('EncryptedPackage', 'utf16le')));
  return locked ? notScanned(fileType, 'Encrypted File') : benign(fileType);
}

const PROBLEMS: Record<ZipProblem, string> = {
  encrypted: 'Encrypted File',
  corrupted: 'Corrupted File',
  members: 'Archive Too Large',
  size: 'Archive Too Large',
  bomb: 'Zip Bomb',
};

function inspectZip(rules: EngineRules, body: Inspected): Finding {
  if (!body.whole) return notScanned('ZIPFileType', 'Archive Too Large');
  const budget = { bytes: ZIP_CAPS.bytes, members: ZIP_CAPS.members };
  const seen = { files: 0, bytes: 0, ooxml: false, bad: false };
  try {
    const deep = walk(rules, body.data, 1, budget, seen, body.password);
    const fileType = seen.ooxml ? 'OOXMLFileType' : 'ZIPFileType';
    const counts = { containerFiles: seen.files, containerBytes: seen.bytes };
    if (seen.bad) return { ...malicious(fileType), ...counts };
    return { ...(deep ? benign(fileType) : notScanned(fileType, 'Archive Nesting Limit')), ...counts };
  } catch (error) {
    // A bad member that was found before the trouble is bad all the same.
    if (seen.bad) return malicious('ZIPFileType');
    if (error instanceof ZipError) return notScanned('ZIPFileType', PROBLEMS[error.problem]);
    return notScanned('ZIPFileType', PROBLEMS.corrupted);
  }
}

interface Seen {
  files: number;
  bytes: number;
  ooxml: boolean;
  bad: boolean;
}

/** False when the nesting goes deeper than the cap. */
function walk(
  rules: EngineRules,
  zip: Buffer,
  depth: number,
  budget: { bytes: number; members: number },
  seen: Seen,
  password: Buffer | undefined,
): boolean {
  if (depth > ZIP_CAPS.depth) return false;
  let deep = true;
  for (const { name, data } of zipMembers(zip, budget, password)) {
    seen.files += 1;
    seen.bytes += data.length;
    if (depth === 1 && name === '[Content_Types].xml') seen.ooxml = true;
    if (
      isEicar(data) ||
      hasPattern(rules, data) ||
      (rules.badHashes.size > 0 && rules.badHashes.has(hash('sha256', data)))
    ) {
      seen.bad = true;
    } else if (fileTypeOf(data) === 'ZIPFileType') {
      deep = walk(rules, data, depth + 1, budget, seen, password) && deep;
    }
  }
  return deep;
}

function hasPattern(rules: EngineRules, data: Buffer): boolean {
  for (const p of rules.badPatterns) if (data.includes(p)) return true;
  return false;
}

function benign(fileType: string): Finding {
  return { verdict: 'Benign', description: 'File identified as benign', fileType };
}

function malicious(fileType: string): Finding {
  return { verdict: 'Malicious', description: 'File identified as malicious', fileType, threatType: 'VIRUS' };
}

function notScanned(fileType: string, reason: string): Finding {
  return { verdict: 'Not Scanned', description: 'File not scanned', fileType, reason };
}
