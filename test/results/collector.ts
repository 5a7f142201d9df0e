import { createSocket } from 'node:dgram';
import net from 'node:net';
import tls, { type TlsOptions } from 'node:tls';

/** A collector of syslog on 127.0.0.1, as real as a socket is. */
export class Collector {
  readonly messages: string[] = [];
  readonly port: number;
  readonly #stop: () => Promise<void>;

  private constructor(port: number, stop: () => Promise<void>, messages: string[]) {
    this.port = port;
    this.#stop = stop;
    this.messages = messages;
  }

  /** @param port 0: any free one */
  static async stream(framing: 'octet-counting' | 'lines', options?: TlsOptions, port = 0): Promise<Collector> {
    const messages: string[] = [];
    const open = new Set<net.Socket>();
    const onSocket = (socket: net.Socket): void => {
      let rest: Buffer = Buffer.alloc(0);
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        rest = framing === 'lines' ? takeLines(rest, messages) : takeCounted(rest, messages);
      });
    };
    const server = options === undefined ? net.createServer(onSocket) : tls.createServer(options, onSocket);
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
    const stop = async (): Promise<void> => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    };
    return new Collector((server.address() as net.AddressInfo).port, stop, messages);
  }

  static async datagrams(port = 0): Promise<Collector> {
    const messages: string[] = [];
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    socket.on('message', (data) => messages.push(data.toString('latin1')));
    await new Promise<void>((resolve) => {
      socket.bind(port, '127.0.0.1', resolve);
    });
    const stop = (): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));
    return new Collector(socket.address().port, stop, messages);
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

/** The JSON behind the seven words of the header. */
export function jsonOf(message: string): Record<string, never> & { id: string } {
  const [, json = ''] = /^<\d+>1 \S+ \S+ dsx-connect - \S+ - (\{.*\})$/.exec(message) ?? [];
  return JSON.parse(json);
}

function takeLines(bytes: Buffer, messages: string[]): Buffer {
  const end = bytes.lastIndexOf(10);
  if (end >= 0) messages.push(...bytes.subarray(0, end).toString('latin1').split('\n'));
  return bytes.subarray(end + 1);
}

function takeCounted(given: Buffer, messages: string[]): Buffer {
  let bytes = given;
  for (;;) {
    const space = bytes.indexOf(32);
    const length = Number(bytes.subarray(0, Math.max(0, space)).toString('latin1'));
    if (space < 0 || bytes.length < space + 1 + length) return bytes;
    messages.push(bytes.subarray(space + 1, space + 1 + length).toString('latin1'));
    bytes = bytes.subarray(space + 1 + length);
  }
}
