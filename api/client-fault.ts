import type { Duplex } from 'node:stream';
import { systemCode } from '../domain/errors.ts';
import { ApiProblem } from './problems.ts';

/**
 * Answers a request that never became one: headers that are too large or came too slowly, or what is no HTTP. The same shape as every
 * other problem, and then the connection ends.
 */
export function answerClientFault(error: Error, socket: Duplex): void {
  const code = systemCode(error);
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
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
