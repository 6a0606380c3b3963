import { isSluiceError, SluiceError, type ErrorCode } from "../../wire/errors.ts";

const PERM = 3;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
const PRIMARY_CODE = 0xff;

/**
 * Says what an error of the database means to a user: SLUICE_DISK_FULL, SLUICE_DATABASE_CORRUPT or SLUICE_HOME_UNWRITABLE.
 *
 * @returns the error itself when it is none of those
 */
export function explainDatabaseError(error: unknown, file: string): unknown {
  if (isSluiceError(error)) return error;
  const code = classify(error);
  if (code === undefined) return error;
  return new SluiceError(code, explain(code, file, error), { cause: error });
}

function classify(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("errcode" in error && typeof error.errcode === "number") {
    const primary = error.errcode & PRIMARY_CODE;
    if (primary === FULL || (primary === IOERR && /full|space/i.test(error.message))) return "SLUICE_DISK_FULL";
    if (primary === CORRUPT || primary === NOTADB) return "SLUICE_DATABASE_CORRUPT";
    if (primary === PERM || primary === READONLY || primary === CANTOPEN) return "SLUICE_HOME_UNWRITABLE";
    return undefined;
  }
  if (!("code" in error)) return undefined;
  if (error.code === "ENOSPC" || error.code === "EDQUOT") return "SLUICE_DISK_FULL";
  const unwritable = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR", "EEXIST", "ENOENT"];
  return unwritable.includes(String(error.code)) ? "SLUICE_HOME_UNWRITABLE" : undefined;
}

function explain(code: ErrorCode, file: string, error: unknown): string {
  const cause = error instanceof Error ? error.message : String(error);
  if (code === "SLUICE_DISK_FULL")
    return `No space is left to write ${file} (${cause}). Nothing that was acknowledged is lost; free some space and try again.`;
  if (code === "SLUICE_DATABASE_CORRUPT") return `The database ${file} cannot be read (${cause}).`;
  return `The database ${file} cannot be opened for writing (${cause}). Check that its folder exists and belongs to you, or set SLUICE_HOME to a folder you can write.`;
}
