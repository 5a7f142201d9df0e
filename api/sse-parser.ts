/** One server-sent event as it was on the wire. `data` is undefined for a comment (a sign of life). */
export interface SseFrame {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string | undefined;
}

/**
 * Frames of a `text/event-stream` body, in order. Lines may end in LF or CRLF and be split anywhere, also inside a character.
 * A frame that the stream's end cut short is dropped: it comes again after the reconnect.
 */
export async function* readFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseFrame, void, void> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let id: string | undefined;
  let event = '';
  let data: string[] = [];
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let end = rest.indexOf('\n');
    while (end >= 0) {
      const line = rest.slice(0, rest[end - 1] === '\r' ? end - 1 : end);
      rest = rest.slice(end + 1);
      end = rest.indexOf('\n');
      if (line === '') {
        if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') };
        event = '';
        data = [];
      } else if (line.startsWith(':')) {
        yield { id, event: '', data: undefined };
      } else {
        const colon = line.indexOf(':');
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
        if (field === 'id') id = value;
        else if (field === 'event') event = value;
        else if (field === 'data') data.push(value);
      }
    }
  }
}
