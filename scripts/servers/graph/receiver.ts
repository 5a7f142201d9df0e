import http from 'node:http';
import https from 'node:https';
import { GraphFailure } from './http.ts';

/** How long the answer to a validation may take. */
const VALIDATION_MS = 10_000;

/** The receiver must give back the token that it is sent, as plain text. */
export async function validate(url: string): Promise<void> {
  const token = `Validation: Testing client ${crypto.randomUUID()} + 100%`;
  const separator = url.includes('?') ? '&' : '?';
  const failure = (text: string) =>
    new GraphFailure(400, 'ValidationError', `Subscription validation request failed. ${text}`);
  const target = `${url}${separator}validationToken=${encodeURIComponent(token)}`;
  const answer = await post(target, 'text/plain; charset=utf-8', '').catch((error: Error) => {
    throw failure(error.message);
  });
  if (answer.status !== 200) throw failure(`Status ${answer.status}.`);
  if (!answer.type.startsWith('text/plain')) throw failure(`Content type ${answer.type}.`);
  if (answer.body !== token) throw failure('The answer is not the token.');
}

/** Whoever answers is trusted. @throws where nobody does in time */
export async function post(
  url: string,
  type: string,
  body: string,
): Promise<{ status: number; type: string; body: string }> {
  const { protocol } = new URL(url);
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const options = { method: 'POST', headers, agent: false, rejectUnauthorized: false } as const;
    const request = (protocol === 'http:' ? http : https).request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, type: headers['content-type'] ?? '', body: Buffer.concat(chunks).toString() });
      });
    });
    request.setTimeout(VALIDATION_MS, () => request.destroy(new Error('No answer in time.')));
    request.once('error', reject);
    request.end(body);
  });
}
