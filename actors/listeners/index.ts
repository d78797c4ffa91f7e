/** Every protocol that Argos listens to. A new one is one file beside this and one word here. */
import { http } from './http.ts';
import { mqtt } from './mqtt.ts';

export const listenerTypes = [http, mqtt] as const;
