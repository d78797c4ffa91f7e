/** A restore in a process of its own, to be killed. Arguments: the data directory and the archive. */
import { Upkeep } from '../../actors/store/archive/upkeep.ts';

await new Upkeep({ dataDir: String(process.argv[2]) }, false).restore({ from: String(process.argv[3]), discard: false });
process.stdout.write('restored\n');
