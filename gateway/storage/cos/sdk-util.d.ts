/** The one inner module of the SDK the adapter touches; it has no types of its own. */
declare module 'cos-nodejs-sdk-v5/sdk/util.js' {
  const util: {
    /** Looked up at every reply, so replacing it takes effect (3.0.0, sdk/base.js: _submitRequest). */
    parseResBody(body: string): Record<string, unknown>;
  };
  export default util;
}
