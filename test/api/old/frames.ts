import { API_PREFIX } from '../../../api/contract.ts';

// biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
type Frame = any;

export interface Frames {
  readonly headers: Headers;
  /** The next frame that fits; frames before it are passed over. */
  next(fits?: (frame: Frame) => boolean): Promise<Frame>;
  /** All that came so far, as it came. */
  text(): string;
  close(): void;
}

/** Reads an event stream as the former console does: by its data lines alone. */
export async function frames(api: { readonly origin: string }, path: string): Promise<Frames> {
  const gone = new AbortController();
  const response = await fetch(`${api.origin}${API_PREFIX}/${path}`, { signal: gone.signal });
  if (response.status !== 200 || response.body === null) throw new Error(`${path}: ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let at = 0;
  const whole = async (): Promise<string> => {
    for (;;) {
      const end = text.indexOf('\n\n', at);
      if (end >= 0) {
        const frame = text.slice(at, end);
        at = end + 2;
        return frame;
      }
      const { done, value } = await reader.read();
      if (done) throw new Error(`${path} ended after ${JSON.stringify(text.slice(-200))}`);
      text += value;
    }
  };
  return {
    headers: response.headers,
    async next(fits = () => true) {
      for (;;) {
        const frame = await whole();
        if (!frame.startsWith('data: ')) continue;
        const value = JSON.parse(frame.slice(6));
        if (fits(value)) return value;
      }
    },
    text: () => text,
    close: () => gone.abort(),
  };
}
