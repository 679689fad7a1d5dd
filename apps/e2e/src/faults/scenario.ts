import { House, type HouseOptions } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

export interface Run {
  /** The form that is part of `npm test`: the same questions, asked fewer times. */
  readonly short: boolean;
  readonly say: (line: string) => void;
}

/** Something that goes wrong on purpose. Throws when what must hold does not. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly run: (run: Run) => Promise<void>;
}

export interface Stage {
  readonly house: House;
  readonly merchant: Merchant;
}

/** A house with a merchant in it, taken down again whatever happens; its logs stay when something did. */
export async function withStage<T>(options: HouseOptions, play: (stage: Stage) => Promise<T>): Promise<T> {
  const house = await House.open(options);
  let merchant: Merchant | undefined;
  try {
    merchant = await Merchant.open(house.databases, house.api);
    return await play({ house, merchant });
  } catch (error) {
    throw house.failed(error);
  } finally {
    merchant?.close();
    await house.close();
  }
}

/** Rows as an aligned table. */
export function table(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
