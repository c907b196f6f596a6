/**
 * "Did you mean …?" for words nobody knows: the nearest known word, when it is near enough to be a
 * slip of the fingers, and the words the original tool had for what has another name here.
 */

/** Words of the original tool and of vsftpd that have another name in our YAML. */
const formerWords: Readonly<Record<string, string>> = {
  cos_secretid: 'cos.secretid',
  cos_secretkey: 'cos.secretkey',
  cos_bucket: 'cos.bucket',
  cos_region: 'cos.region',
  cos_endpoint: 'cos.endpoint',
  cos_protocol: 'cos.protocol',
  home_dir: 'prefix',
  ftp_login_user_name: 'user',
  ftp_login_user_password: 'password',
  authority: 'permissions',
  delete_enable: 'permissions',
  upload_thread_num: 'parts_in_flight',
  max_connection_num: 'max_sessions',
  max_clients: 'max_sessions',
  max_per_ip: 'max_sessions_per_address',
  idle_session_timeout: 'idle_seconds',
  data_connection_timeout: 'stall_seconds',
  accept_timeout: 'data_connect_seconds',
  connect_timeout: 'data_connect_seconds',
  port_enable: 'active_mode',
  log_level: 'log.level',
  log_dir: 'log.directory',
  log_rotate_when: 'log.rotate',
  log_backup_count: 'log.keep',
  username: 'user',
  name: 'user',
  passive_ports: 'passive_port',
  secret_id: 'secretid',
  secret_key: 'secretkey',
};

/**
 * The word of ours that was probably meant, or undefined. `known` are the words allowed at this place; a
 * word of the original tool is told its present name whatever the place.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  return similar(word, known) ?? formerly(word);
}

/** The present name of a word of the original tool, of vsftpd or of other servers. */
export function formerly(word: string): string | undefined {
  const lower = normalForm(word);
  return Object.hasOwn(formerWords, lower) ? formerWords[lower] : undefined;
}

/** The one of `known` that is near enough to be meant, or undefined. */
export function similar(word: string, known: readonly string[]): string | undefined {
  const lower = normalForm(word);
  const candidates = known
    .map((name) => ({ name, distance: editDistance(lower, name.replaceAll('-', '_')) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 4)))
    .sort((one, other) => one.distance - other.distance);
  return candidates[0]?.name;
}

function normalForm(word: string): string {
  return word.slice(0, 40).toLowerCase().replaceAll('-', '_');
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped =
        row > 1 &&
        column > 1 &&
        from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
