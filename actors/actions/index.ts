/** Every action type that Argos knows. A new one is one file beside this and one word here. */
import { database } from './database.ts';
import { email } from './email.ts';
import { http } from './http.ts';
import { log } from './log.ts';

export const actionTypes = [email, http, database, log] as const;
