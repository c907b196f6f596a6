/** The names of the images the container suite runs: build.ts makes them, one name for each target. */
export const gatewayImage: string = process.env['GATEWAY_IMAGE'] ?? 'cos-ftp-gateway:test';
export const operatorImage: string =
  process.env['OPERATOR_IMAGE'] ?? 'cos-ftp-gateway-operator:test';
