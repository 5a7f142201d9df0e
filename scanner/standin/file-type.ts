/** DSXA's name for what a body seems to be, by its first bytes. A zip may still turn out to be OOXML. */
export function fileTypeOf(head: Buffer): string {
  if (head.length < 4) return head.length > 0 && isText(head) ? 'TextFileType' : 'Unknown';
  const magic = head.readUInt32BE(0);
  switch (magic) {
    case 0x504b0304:
    case 0x504b0506:
      return 'ZIPFileType';
    case 0x25504446:
      return 'PDFFileType';
    case 0xd0cf11e0:
      return 'OfficeFileType';
    case 0x7f454c46:
      return head[4] === 2 ? 'ELF64FileType' : 'ELF32FileType';
    case 0xfeedface:
    case 0xcefaedfe:
      return 'Macho32FileType';
    case 0xfeedfacf:
    case 0xcffaedfe:
      return 'Macho64FileType';
    case 0xcafebabe:
      return 'MachoFATFileType';
    default:
  }
  if (magic >>> 16 === 0x4d5a) return peType(head);
  return isText(head) ? 'TextFileType' : 'Unknown';
}

function peType(head: Buffer): string {
  if (head.length < 0x40) return 'PEFileType';
  const at = head.readUInt32LE(0x3c);
  if (at + 26 > head.length || head.readUInt32BE(at) !== 0x50450000) return 'PEFileType';
  return head.readUInt16LE(at + 24) === 0x20b ? 'PE64FileType' : 'PE32FileType';
}

function isText(head: Buffer): boolean {
  return !head.subarray(0, 512).includes(0);
}
