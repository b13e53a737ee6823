/**
 * `compatibility_date` and `compatibility_flags`.
 *
 * @see https://developers.cloudflare.com/workers/configuration/compatibility-dates/
 */

import type { FunctionSpec } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { findSetting, type Settings } from "./settings.ts";
import { findText, listTexts } from "./value.ts";

/**
 * The newest date whose behaviour Nebula knows, and the date of a configuration that names none. Today is not used:
 * a function would change its behaviour by itself. It is that of workerd 1.20261117.1.
 */
export const NEWEST_COMPATIBILITY_DATE = "2026-11-17";

/** Reads date and flags. `hasCode` is false for static files alone, which need no date. */
export function readCompatibility(
  settings: Settings,
  { hasCode, findings }: { hasCode: boolean; findings: Findings },
): FunctionSpec["compatibility"] {
  const flags = listTexts(findSetting(settings, "compatibility_flags"));
  const given = findSetting(settings, "compatibility_date");
  const date = findText(given);
  if (given === undefined && hasCode) {
    findings.onFile(`has no "compatibility_date": ${NEWEST_COMPATIBILITY_DATE} is assumed`, {
      severity: "warning",
      hint: `write compatibility_date = "${NEWEST_COMPATIBILITY_DATE}"`,
    });
  }
  if (given === undefined || date === undefined) return { date: NEWEST_COMPATIBILITY_DATE, flags };
  if (!isDate(date)) findings.onValue(given.path, "must be a date, YYYY-MM-DD");
  else if (date > NEWEST_COMPATIBILITY_DATE) {
    findings.onValue(given.path, `is later than ${NEWEST_COMPATIBILITY_DATE}, the newest date Nebula knows`, {
      severity: "warning",
    });
  }
  return { date, flags };
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  // A day that a month does not have becomes one of the next month.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
