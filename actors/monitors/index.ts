/** Every monitor type that Argos knows. A new one is one file beside this and one word here. */
import { http } from './http.ts';
import { mqtt } from './mqtt.ts';
import { push } from './push.ts';
import { system } from './system.ts';
import { websocket } from './websocket.ts';

export const monitorTypes = [http, websocket, mqtt, push, system] as const;
