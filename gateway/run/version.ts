/** The version of this program, from package.json. */
import packageFile from '../../package.json' with { type: 'json' };

export const version: string = packageFile.version;
