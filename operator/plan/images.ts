/** Which container images a resource may name. Pure. */

/** A sentence for Accepted=False, or undefined. @param allowed repositories, by the operator's options. */
export function imageProblem(image: string, allowed: readonly string[]): string | undefined {
  const repository = repositoryOf(image);
  if (allowed.includes(repository)) return undefined;
  return `the image repository ${repository} is not one this operator allows (${allowed.join(', ')})`;
}

/** `host:5000/team/gateway:1.2@sha256:…` → `host:5000/team/gateway`. */
export function repositoryOf(image: string): string {
  const [named = ''] = image.split('@', 1);
  const colon = named.lastIndexOf(':');
  return colon > named.lastIndexOf('/') ? named.slice(0, colon) : named;
}
