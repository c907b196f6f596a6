/** The ten clients. */
import type { ClientKind } from './client.ts';
import { basicFtp } from './drivers/basic-ftp.ts';
import { commonsNet } from './drivers/commons-net.ts';
import { curl } from './drivers/curl.ts';
import { ftplib } from './drivers/ftplib.ts';
import { lftp } from './drivers/lftp.ts';
import { ncftp } from './drivers/ncftp.ts';
import { netFtp } from './drivers/net-ftp.ts';
import { php } from './drivers/php.ts';
import { rclone } from './drivers/rclone.ts';
import { tnftp } from './drivers/tnftp.ts';

export const clients: readonly ClientKind[] = [
  curl,
  lftp,
  ncftp,
  tnftp,
  rclone,
  ftplib,
  netFtp,
  php,
  commonsNet,
  basicFtp,
];
