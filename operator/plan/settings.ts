/** What the operator's own options say about every gateway. Types only. */

export interface OperatorSettings {
  readonly gatewayImage: string;
  readonly gatewayImagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Repositories without tag. */
  readonly allowedRepositories: readonly string[];
}
