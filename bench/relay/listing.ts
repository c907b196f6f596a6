/** The relay's LIST: pages of the store to lines, each page sent as it comes. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { StoreClient } from './store-client.ts';

const entry = /<Key>many\/(.*?)<\/Key>.*?<Size>(\d+)<\/Size>/g;

export async function listMany(data: Socket, store: StoreClient): Promise<void> {
  for (let marker: string | undefined = ''; marker !== undefined; ) {
    const query = `prefix=many%2F&delimiter=%2F&max-keys=1000&marker=${encodeURIComponent(marker)}`;
    const page = await store.send('GET', `/?${query}`);
    let lines = '';
    for (const [, name, size = ''] of page.matchAll(entry)) {
      lines += `-rw-r--r-- 1 ftp ftp ${size.padStart(12)} Mar 01 12:00 ${name}\r\n`;
    }
    if (!data.write(lines)) await once(data, 'drain');
    marker = /<NextMarker>(.*?)<\/NextMarker>/.exec(page)?.[1];
  }
  data.end();
  await once(data, 'finish');
}
