/** What the CLI has made over the file must not keep a node from starting when the file has changed under it. Pure but for `declare`. */
import type { Declaration, OverlayEntry, PlacedFault } from '../../proto/api.ts';

export interface Fitted {
  readonly declaration: Declaration;
  readonly overlay: readonly OverlayEntry[];
  /** The entries that are left out, and why. */
  readonly unfit: readonly { readonly entry: OverlayEntry; readonly faults: readonly PlacedFault[] }[];
}

/** As much of the overlay as is valid over the file, entry by entry. A file that is wrong by itself stays wrong. */
export async function overlayThatFits(overlay: readonly OverlayEntry[], declare: (overlay: readonly OverlayEntry[]) => Promise<Declaration>): Promise<Fitted> {
  const whole = await declare(overlay);
  if (whole.faults.length === 0) return { declaration: whole, overlay, unfit: [] };
  let declaration = await declare([]);
  if (declaration.faults.length > 0) return { declaration, overlay, unfit: [] };
  const kept: OverlayEntry[] = [];
  const unfit: { entry: OverlayEntry; faults: readonly PlacedFault[] }[] = [];
  for (const entry of overlay) {
    const tried = await declare([...kept, entry]);
    if (tried.faults.length > 0) unfit.push({ entry, faults: tried.faults });
    else {
      kept.push(entry);
      declaration = tried;
    }
  }
  return { declaration, overlay: kept, unfit };
}
