import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';

export interface S3Front {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  close(): Promise<void>;
}

interface Target {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * Stands in front of moto and compares what moto does not: `If-Match`, `If-None-Match: *` and `x-amz-copy-source-if-match` of writes and
 * deletions. One change at a time.
 */
export async function startS3Front(endpoint: string, s3: S3Client): Promise<S3Front> {
  const { hostname: host, port } = new URL(endpoint);
  const etagOf = async (target: Target | undefined): Promise<string | undefined> => {
    if (target === undefined) return undefined;
    return await s3.send(new HeadObjectCommand(target)).then(
      ({ ETag }) => ETag,
      () => undefined,
    );
  };
  const refused = async ({ method = '', url = '', headers }: IncomingMessage): Promise<boolean> => {
    if (method !== 'PUT' && method !== 'DELETE') return false;
    const { 'if-match': match, 'if-none-match': none, 'x-amz-copy-source-if-match': copied } = headers;
    const source = headers['x-amz-copy-source'];
    if (match !== undefined && (await etagOf(targetOf(url))) !== match) return true;
    if (none === '*' && (await etagOf(targetOf(url))) !== undefined) return true;
    return copied !== undefined && (await etagOf(targetOf(`/${String(source).replace(/^\//, '')}`))) !== copied;
  };
  const pass = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    new Promise((resolve) => {
      const { method, url, headers } = request;
      const outgoing = http.request({ host, port, method, path: url, headers, agent: false }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(response);
      });
      outgoing.once('error', () => response.destroy());
      response.once('close', resolve);
      request.pipe(outgoing);
    });
  let before: Promise<void> = Promise.resolve();
  const server = http.createServer((request, response) => {
    const serve = async () => {
      if (!(await refused(request))) return await pass(request, response);
      request.resume();
      response.writeHead(412, { 'content-type': 'application/xml' });
      response.end('<?xml version="1.0"?><Error><Code>PreconditionFailed</Code><Message>No.</Message></Error>');
    };
    if (request.method === 'GET' || request.method === 'HEAD') void serve();
    else before = before.then(serve).catch(() => undefined);
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Bucket and key of a path with the bucket in front. */
function targetOf(path: string): Target | undefined {
  const [, Bucket, key] = /^\/([^/?]+)\/([^?]+)/.exec(path) ?? [];
  return Bucket === undefined || key === undefined ? undefined : { Bucket, Key: decodeURIComponent(key) };
}
