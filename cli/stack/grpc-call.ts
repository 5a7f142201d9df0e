import { type ClientHttp2Session, connect } from 'node:http2';

export interface GrpcAnswer {
  /** 0 is success; the numbers are gRPC's. */
  readonly status: number;
  /** For people; percent-encoded as it came. */
  readonly message: string;
  readonly body: Buffer;
}

/**
 * One unary gRPC call without TLS, by Node's own HTTP/2: all that a check needs, without loading a client.
 *
 * @param path as `/package.Service/Method`
 * @throws Error when there is no answer within `timeoutMs`
 */
export async function grpcCall(
  address: string,
  path: string,
  message: Uint8Array,
  timeoutMs: number,
): Promise<GrpcAnswer> {
  const session = connect(`http://${address}`);
  try {
    return await exchange(session, path, message, AbortSignal.timeout(timeoutMs));
  } finally {
    session.destroy();
  }
}

function exchange(
  session: ClientHttp2Session,
  path: string,
  message: Uint8Array,
  signal: AbortSignal,
): Promise<GrpcAnswer> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    session.on('error', reject);
    const request = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status: number | undefined;
    let text = '';
    const note = (headers: NodeJS.Dict<string | string[] | number>) => {
      if (headers['grpc-status'] === undefined) return;
      status = Number(headers['grpc-status']);
      text = String(headers['grpc-message'] ?? '');
    };
    request.on('response', note);
    request.on('trailers', note);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', reject);
    request.on('end', () => {
      if (status === undefined) reject(new Error('the answer is not gRPC'));
      else resolve({ status, message: text, body: Buffer.concat(chunks).subarray(5) });
    });
    request.end(frame(message));
  });
}

/** A gRPC frame: not compressed, length, message. */
function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** A protobuf message with one string (shorter than 128 bytes) in field `field` (below 16). */
export function stringField(field: number, value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes]);
}
