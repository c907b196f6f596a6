import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EndpointWords, resolveEndpoint } from '#gateway/storage/cos/endpoint.ts';
import { StoreError } from '#gateway/storage/object-store.ts';

const bucket = 'inbox-1250000000';

function resolve(words: Partial<EndpointWords>) {
  return resolveEndpoint({
    bucket,
    region: 'ap-shanghai',
    endpoint: '',
    protocol: 'https',
    ...words,
  });
}

describe('an endpoint', () => {
  it('that is empty is the public host of the region', () => {
    const host = `${bucket}.cos.ap-shanghai.myqcloud.com`;
    assert.deepEqual(resolve({}), {
      protocol: 'https',
      host,
      region: 'ap-shanghai',
      copySourceHost: host,
    });
  });

  for (const [endpoint, connectTo] of [
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1:9000', '127.0.0.1:9000'],
    ['localhost', 'localhost'],
    ['LOCALHOST:9000', 'LOCALHOST:9000'],
    ['[::1]', '[::1]'],
    ['[::1]:9000', '[::1]:9000'],
    ['::1', '[::1]'],
    ['10.1.2.3:9000/', '10.1.2.3:9000'],
  ] as const) {
    it(`${endpoint} is a place to connect to, signed for the ordinary host`, () => {
      const resolved = resolve({ endpoint, region: '' });
      assert.equal(resolved.connectTo, connectTo);
      assert.equal(resolved.host, `${bucket}.cos.ap-guangzhou.myqcloud.com`);
      assert.equal(resolved.copySourceHost, resolved.host);
      assert.equal(
        resolve({ endpoint }).host,
        `${bucket}.cos.ap-shanghai.myqcloud.com`,
        'a region that is given stays',
      );
    });
  }

  for (const [endpoint, host] of [
    [
      '{bucket}.cos-internal.{region}.tencentcos.cn',
      `${bucket}.cos-internal.ap-shanghai.tencentcos.cn`,
    ],
    ['{Bucket}.files.example.com', `${bucket}.files.example.com`],
    ['files-{region}.example.com:8443', 'files-ap-shanghai.example.com:8443'],
    ['cos.ap-beijing.myqcloud.com', `${bucket}.cos.ap-beijing.myqcloud.com`],
    ['store.example.com', `${bucket}.store.example.com`],
    ['store.example.com:9000', `${bucket}.store.example.com:9000`],
    ['store.example.com:443', `${bucket}.store.example.com`],
    ['localhost.example.com', `${bucket}.localhost.example.com`],
  ] as const) {
    it(`${endpoint} is the virtual host ${host}`, () => {
      const resolved = resolve({ endpoint });
      assert.equal(resolved.host, host);
      assert.equal(resolved.connectTo, undefined);
    });
  }

  it('may bring its protocol, which wins', () => {
    assert.equal(resolve({ endpoint: 'http://127.0.0.1:9000' }).protocol, 'http');
    assert.equal(
      resolve({ endpoint: 'HTTPS://a.example.com', protocol: 'http' }).protocol,
      'https',
    );
    assert.equal(resolve({ endpoint: '127.0.0.1:9000', protocol: 'http' }).protocol, 'http');
    assert.equal(
      resolve({ endpoint: 'http://a.example.com:80/' }).host,
      `${bucket}.a.example.com`,
      'the protocol own port is not part of the host',
    );
  });

  it('of Tencent tells the region by itself', () => {
    const resolved = resolve({ endpoint: 'cos-internal.ap-beijing.tencentcos.cn', region: '' });
    assert.equal(resolved.region, 'ap-beijing');
  });

  it('decides what a copy names as its source', () => {
    const source = (words: Partial<EndpointWords>) => resolve(words).copySourceHost;
    const own = `${bucket}.cos.ap-shanghai.myqcloud.com`;
    assert.equal(source({ endpoint: 'files.example.com' }), own, 'another name for COS');
    assert.equal(source({ endpoint: '{bucket}.cos-internal.{region}.tencentcos.cn' }), own);
    assert.equal(
      source({ endpoint: 'files.example.com', region: '' }),
      `${bucket}.files.example.com`,
      'not COS, or nobody knows where',
    );
  });

  for (const words of [
    { region: '' },
    { bucket: 'inbox' },
    { bucket: 'Inbox-125' },
    { region: 'AP_X' },
    { endpoint: 'a b' },
    { endpoint: 'host/path' },
    { endpoint: 'user@host' },
    { endpoint: 'ftp://host' },
    { endpoint: '127.0.0.1:65536' },
    { endpoint: '[::1]:0' },
    { endpoint: 'host:99999' },
    { endpoint: '{bucket}.{region}.example.com', region: '' },
    { endpoint: '{other}.example.com' },
  ]) {
    it(`is refused with ${JSON.stringify(words)}`, () => {
      assert.throws(
        () => resolve(words),
        (error) => error instanceof StoreError && error.kind === 'rejected',
      );
    });
  }
});
