import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AssetUrlError,
  parseAssetUrl,
  parseFolder,
  type SiteReading,
  writeAssetUrl,
} from '../../connectors/graph/asset-url.ts';

const C = 'https://c.sharepoint.com';

function readings(url: string): readonly SiteReading[] {
  const { host, readings } = parseAssetUrl(url);
  expect(host).toBe('c.sharepoint.com');
  return readings;
}

function codeOf(url: string): string {
  try {
    parseAssetUrl(url);
  } catch (error) {
    if (!(error instanceof AssetUrlError)) throw error;
    expect(error.message).toMatch(/^(has|is|names|leads|must) /);
    return error.code;
  }
  return 'read';
}

describe('an address with one reading', () => {
  test.each<[string, string, string | undefined, string]>([
    ['/sites/S', '/sites/S', undefined, ''],
    ['/sites/S/', '/sites/S', undefined, ''],
    ['', '', undefined, ''],
    ['/', '', undefined, ''],
    ['/sites/S/Shared%20Documents', '/sites/S', 'Shared Documents', ''],
    ['/sites/S/Shared Documents', '/sites/S', 'Shared Documents', ''],
    ['/sites/S/Shared%20Documents/Fin/Q1', '/sites/S', 'Shared Documents', 'Fin/Q1'],
    ['/sites/S/Shared%20Documents//Fin/Q1/', '/sites/S', 'Shared Documents', 'Fin/Q1'],
    ['/sites/S/Shared%20Documents/Forms/AllItems.aspx', '/sites/S', 'Shared Documents', ''],
    ['/sites/S/Shared%20Documents/Forms/My%20View.aspx?viewid=1', '/sites/S', 'Shared Documents', ''],
    ['/sites/S/MyLib/Forms/AllItems.aspx', '/sites/S', 'MyLib', ''],
    [
      '/sites/S/Shared%20Documents/Forms/AllItems.aspx?id=%2Fsites%2FS%2FShared%20Documents%2Fsub1&viewid=0',
      '/sites/S',
      'Shared Documents',
      'sub1',
    ],
    [
      '/sites/S/Shared%20Documents/Forms/AllItems.aspx?RootFolder=%2Fsites%2FS%2FShared%20Documents%2Fa%2523b%20%2B',
      '/sites/S',
      'Shared Documents',
      'a%23b +',
    ],
    ['/:f:/r/sites/S/Shared%20Documents/x?csf=1&web=1&e=Ab1', '/sites/S', 'Shared Documents', 'x'],
    ['/:F:/R/teams/T/Shared%20Documents/x', '/teams/T', 'Shared Documents', 'x'],
    ['/Shared%20Documents/x', '', 'Shared Documents', 'x'],
    ['/sites/S/Sub/Shared%20Documents/x', '/sites/S/Sub', 'Shared Documents', 'x'],
    ['/sites/S/SitePages/Home.aspx', '/sites/S', undefined, ''],
    ['/sites/S/Sub/SitePages/Home.aspx', '/sites/S/Sub', undefined, ''],
    ['/SitePages/Home.aspx', '', undefined, ''],
  ])('%s', (path, site, library, folder) => {
    const found = readings(`${C}${path}`);
    // Behind a view or the default library only the way to it can be read in several ways.
    expect(found.at(-1)).toEqual({ site, ...(library !== undefined && { library }), folder });
    if (!path.includes('Sub')) expect(found).toHaveLength(1);
  });

  test('of a library in the pages of OneDrive', () => {
    const list = encodeURIComponent(`${C}/sites/S/Sub/Docs`);
    const id = encodeURIComponent('/sites/S/Sub/Docs/a b');
    expect(readings(`https://c-my.sharepoint.com/my?id=${id}&listurl=${list}`)).toEqual([
      { site: '/sites/S/Sub', library: 'Docs', folder: 'a b' },
    ]);
    expect(codeOf(`https://c-my.sharepoint.com/my?id=%2Fsites%2FOther%2FDocs&listurl=${list}`)).toBe('bad_path');
    const personal = '/personal/alice_c_com';
    const page = `https://c-my.sharepoint.com${personal}/_layouts/15/onedrive.aspx?id=${encodeURIComponent(`${personal}/Documents/x`)}`;
    expect(parseAssetUrl(page)).toMatchObject({
      host: 'c-my.sharepoint.com',
      readings: [{ site: personal, library: 'Documents', folder: 'x' }, {}, {}],
    });
    const first = `https://c-my.sharepoint.com${personal}/_layouts/15/onedrive.aspx?view=0`;
    expect(parseAssetUrl(first).readings).toEqual([{ site: personal, folder: '' }]);
  });

  test('without https, in any case, with spaces around it', () => {
    for (const url of [
      'c.sharepoint.com/sites/S',
      ' HTTPS://C.SharePoint.com/sites/S ',
      'http://c.sharepoint.com/sites/S',
    ]) {
      expect(readings(url)).toEqual([{ site: '/sites/S', folder: '' }]);
    }
  });
});

describe('an address that can be read in several ways', () => {
  test.each<[string, SiteReading[]]>([
    [
      '/sites/S/MyLib/a%23b/c%25d',
      [
        { site: '/sites/S', library: 'MyLib', folder: 'a#b/c%d' },
        { site: '/sites/S/MyLib', library: 'a#b', folder: 'c%d' },
        { site: '/sites/S/MyLib/a#b', library: 'c%d', folder: '' },
        { site: '/sites/S/MyLib/a#b/c%d', folder: '' },
      ],
    ],
    [
      '/sites/S/Sub/Docs/x',
      [
        { site: '/sites/S', library: 'Sub', folder: 'Docs/x' },
        { site: '/sites/S/Sub', library: 'Docs', folder: 'x' },
        { site: '/sites/S/Sub/Docs', library: 'x', folder: '' },
        { site: '/sites/S/Sub/Docs/x', folder: '' },
      ],
    ],
    [
      '/teams/T/Docs',
      [
        { site: '/teams/T', library: 'Docs', folder: '' },
        { site: '/teams/T/Docs', folder: '' },
      ],
    ],
    [
      '/Docs',
      [
        { site: '', library: 'Docs', folder: '' },
        { site: '/Docs', folder: '' },
      ],
    ],
    [
      '/sites/S/Sub/Docs/Forms/AllItems.aspx',
      [
        { site: '/sites/S', library: 'Sub', folder: 'Docs' },
        { site: '/sites/S/Sub', library: 'Docs', folder: '' },
      ],
    ],
  ])('%s: the shortest site first', (path, expected) => {
    expect(readings(`${C}${path}`)).toEqual(expected);
  });
});

describe('an address that is refused', () => {
  test.each([
    [`${C}/:f:/s/S/EabcDEF123?e=x`, 'sharing_link'],
    [`${C}/:w:/g/personal/alice_c_com/Eabc`, 'sharing_link'],
    [`${C}/:x:/t/T/Eabc`, 'sharing_link'],
    [`${C}/sites/S/_layouts/15/guestaccess.aspx?share=x`, 'sharing_link'],
    [`${C}/:w:/r/sites/S/_layouts/15/Doc.aspx?sourcedoc=%7Bx%7D`, 'not_a_library'],
    [`${C}/sites/S/_layouts/15/viewlsts.aspx?view=14`, 'not_a_library'],
    [`${C}/sites/S/Lists/Tasks/AllItems.aspx`, 'not_a_library'],
    [`${C}/sites`, 'not_a_library'],
    [`${C}/sites/S/Docs/a#b`, 'bad_path'],
    [`${C}/sites/S/Docs/100%`, 'bad_path'],
    [`${C}/sites/S/Docs/a%2Fb`, 'bad_path'],
    [`${C}/sites/S/Docs/a%5Cb`, 'bad_path'],
    [`${C}/sites/S/Docs/a%00b`, 'bad_path'],
    [`${C}/sites/S/Docs/a\nb`, 'bad_path'],
    [`${C}/sites/S/Docs/F/AllItems.aspx?id=%2Fsites%2FS%2F..%2FT`, 'bad_path'],
    ['\\\\c.sharepoint.com@SSL\\DavWWWRoot\\sites\\S', 'bad_path'],
    ['https://user:secret@c.sharepoint.com/sites/S', 'not_an_address'],
    ['https://c-admin.sharepoint.com/sites/S', 'not_an_address'],
    ['https://1drv.ms/f/s!abc', 'not_an_address'],
    ['https://teams.microsoft.com/l/channel/x', 'not_an_address'],
    ['ftp://c.sharepoint.com/sites/S', 'not_an_address'],
    ['your-site/your-library', 'not_an_address'],
    ['', 'not_an_address'],
  ])('%s', (url, code) => {
    expect(codeOf(url)).toBe(code);
  });

  test('its message never repeats a secret of it', () => {
    expect(() => parseAssetUrl('https://user:secret@c.sharepoint.com/sites/S')).toThrow(/^(?!.*secret)/);
    expect(() => parseAssetUrl(`${C}/:f:/s/S/Etoken`)).toThrow(/^(?!.*Etoken)/);
  });
});

/** Names that SharePoint can hold, without those that mean something in an address. */
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no name of SharePoint has any
  .filter((text) => text.isWellFormed() && !/["*:<>?/\\|\u0000-\u001f\u007f]/.test(text) && text.trim() === text)
  .filter(
    (text) => !/^\.+$|^_|^(lists|sites|teams|personal|portals|shared documents|sitepages|forms)$|\.aspx$/i.test(text),
  );
const names = (least: number) => fc.array(name, { minLength: least, maxLength: 4 });
const seeded = { seed: 42, numRuns: 500 };

describe('whatever its names are', () => {
  test('an address that was written reads as that place, among the readings', () => {
    const place = fc.record({ site: names(0), library: name, folder: names(0) });
    fc.assert(
      fc.property(place, fc.constantFrom([], ['sites'], ['teams']), ({ site, library, folder }, head) => {
        const path = head.length > 0 ? [...head, ...(site.length > 0 ? site : ['S'])] : site;
        const reading = { site: path.map((one) => `/${one}`).join(''), library, folder: folder.join('/') };
        const url = writeAssetUrl('c.sharepoint.com', reading);
        expect(readings(url)).toContainEqual(reading);
        // A page that shows the same says the same.
        const id = encodeURIComponent(`${reading.site}/${library}/${reading.folder}`);
        expect(readings(`${C}/x/Forms/AllItems.aspx?id=${id}&view=7`)).toEqual(readings(url));
      }),
      seeded,
    );
  });

  test('readings go from the shortest site to the longest, and each is the whole path', () => {
    fc.assert(
      fc.property(names(1), (path) => {
        const found = readings(`${C}/sites/S/${path.map(encodeURIComponent).join('/')}`);
        expect(found).toHaveLength(path.length + 1);
        for (const [i, { site, library, folder }] of found.entries()) {
          const whole = [site, library, folder].filter((part) => part !== undefined && part !== '').join('/');
          expect(whole).toBe(`/sites/S/${path.join('/')}`);
          expect(site.split('/')).toHaveLength(3 + i);
        }
      }),
      seeded,
    );
  });

  test('any text is read or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true, withFragments: true })), (text) => {
        codeOf(text);
      }),
      seeded,
    );
  });

  test('a folder is taken as it is', () => {
    fc.assert(
      fc.property(names(0), (path) => {
        expect(parseFolder(`/${path.join('/')}/`)).toBe(path.join('/'));
      }),
      seeded,
    );
    expect(parseFolder('a%20b/c#d')).toBe('a%20b/c#d');
    expect(() => parseFolder('a/../b')).toThrow(AssetUrlError);
  });
});
