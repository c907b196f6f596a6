/** Requests of the relay to the store, by Node's HTTP client as everybody uses it. */
import http from 'node:http';

export class StoreClient {
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

  constructor(port: number) {
    this.#port = port;
  }

  /** Resolves with the body of the reply. */
  async send(method: string, path: string, body: readonly Buffer[] = []): Promise<string> {
    const bodyBytes = body.reduce((sum, chunk) => sum + chunk.length, 0);
    const headers = method === 'GET' ? {} : { 'Content-Length': bodyBytes };
    const reply = await this.open(method, path, headers, body);
    reply.setEncoding('utf8');
    let text = '';
    for await (const chunk of reply) text += chunk;
    return text;
  }

  /** Resolves with the reply, whose body the caller reads. */
  open(
    method: string,
    path: string,
    headers: http.OutgoingHttpHeaders = {},
    body: readonly Buffer[] = [],
  ): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const agent = this.#agent;
      const request = http.request({
        host: '127.0.0.1',
        port: this.#port,
        agent,
        method,
        path,
        headers,
      });
      request.on('error', reject);
      request.on('response', resolve);
      for (const chunk of body) request.write(chunk);
      request.end();
    });
  }
}
