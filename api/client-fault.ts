import type { Duplex } from 'node:stream';
import { systemCode } from '../domain/errors.ts';
import { ApiProblem } from './problems.ts';

/** How long such a client may take to read the answer and close, in milliseconds. */
const CLOSE_MS = 2_000;

/**
 * Answers a request that never became one: headers that are too large or came too slowly, or what is no HTTP. The same shape as every
 * other problem, and then the connection ends, also when the client does not close it. What is no fault of HTTP (TLS that was never agreed on,
 * a connection that broke) gets no answer: there is no way to send one.
 */
export function answerClientFault(error: Error, socket: Duplex): void {
  const code = systemCode(error);
  if (!/^(HPE|ERR_HTTP)_/.test(code ?? '') || !socket.writable) {
    socket.destroy();
    return;
  }
  const cut = setTimeout(() => socket.destroy(), CLOSE_MS);
  socket.once('close', () => clearTimeout(cut));
  const problem = problemOfFault(code);
  const body = JSON.stringify(problem.toBody());
  const head = [
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function problemOfFault(code: string | undefined): ApiProblem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ApiProblem('headers_too_large', 'Path, query and headers may have 16 KiB in all.');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ApiProblem('request_timeout', 'The request took too long to arrive.');
  }
  return new ApiProblem('bad_request', 'This is not a request that HTTP allows.');
}
