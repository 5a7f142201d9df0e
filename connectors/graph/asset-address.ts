import { CodedError } from '../../domain/errors.ts';

/**
 * `not_an_address`: no https address of a site; `not_a_library`: a page, list or service that holds no files itself;
 * `sharing_link`: one that only its token explains; `bad_path`: it is written in a way that leads nowhere for certain.
 */
export type AssetUrlCode = 'not_an_address' | 'not_a_library' | 'sharing_link' | 'bad_path';

/** An address that names no library or folder. The message says what it is and what to do, as a clause. */
export class AssetUrlError extends CodedError<AssetUrlCode> {}

/** What to do instead, as a clause. */
export const COPY = 'open the library or folder in the browser and copy the address from there';

/** The address, as it was written. @throws AssetUrlError */
export function addressOf(text: string): URL {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a parser would leave them out without a word
  if (/[\u0000-\u001f\u007f\\]/.test(text))
    throw new AssetUrlError('bad_path', `has a control character or a \\; ${COPY}`);
  const full = /^[\w-]+\.sharepoint(-mil)?\.\w+(\/|$)/i.test(text) ? `https://${text}` : text;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new AssetUrlError(
      'not_an_address',
      'must be the address of a site, library or folder, as https://contoso.sharepoint.com/sites/Finance/Shared%20Documents',
    );
  }
  if (url.hash !== '') {
    throw new AssetUrlError(
      'bad_path',
      `has a #, behind which nothing is part of the path: write %23 where a name has one, or ${COPY}`,
    );
  }
  return url;
}

/** `id` and `RootFolder` say what a page shows, and win over its own path; `listurl` says which library that lies in. */
export function parametersOf(url: URL): { id?: string[]; list?: URL } {
  const given = new Map([...url.searchParams].map(([name, value]) => [name.toLowerCase(), value]));
  const path = [given.get('id'), given.get('rootfolder')].find((value) => value?.startsWith('/'));
  const list = given.get('listurl') ?? '';
  return {
    ...(path !== undefined && { id: checked(path.split('/').filter((name) => name !== '')) }),
    ...(URL.canParse(list, url.href) && list !== '' && { list: new URL(list, url.href) }),
  };
}

/** The names of a path, each decoded once. */
export function namesOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return checked(
    parts.map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        throw new AssetUrlError('bad_path', `has a % that encodes nothing: write %25 where a name has one, or ${COPY}`);
      }
    }),
  );
}

/** @throws AssetUrlError `bad_path` for what is no name of a folder */
export function checked(names: readonly string[]): string[] {
  for (const name of names) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no name of SharePoint has any
    if (name === '.' || name === '..' || /[\u0000-\u001f\u007f\\/]/.test(name)) {
      throw new AssetUrlError('bad_path', `has ${JSON.stringify(name)}, which is no name of a folder; ${COPY}`);
    }
  }
  return [...names];
}
