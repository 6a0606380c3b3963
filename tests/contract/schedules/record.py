"""Records what Prefect's own schedule classes answer, as JSON that the schedule tests compare with.

    python tests/contract/schedules/record.py > tests/contract/schedules/recorded.json
"""

import asyncio
import datetime as dt
import json
import random
import sys

from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]
# Around changes of the clocks of both halves of the world, a leap day, ends of years.
STARTS = [
    "2024-03-09T00:00:00+00:00",
    "2024-11-02T12:30:00+00:00",
    "2024-02-27T23:59:59+00:00",
    "2025-03-29T20:00:00+00:00",
    "2025-10-25T22:00:00+00:00",
    "2024-04-06T10:00:00+00:00",
    "2026-12-31T23:00:00+00:00",
]
CRONS = [
    "* * * * *", "*/15 * * * *", "0 * * * *", "30 2 * * *", "0 2 * * *", "30 1 * * *", "0 0 * * *", "0 9 * * 1-5",
    "0 0 1 * *", "0 0 29 2 *", "0 0 31 * *", "15 14 1 * *", "0 22 * * 1-5", "23 0-20/2 * * *", "5 4 * * sun",
    "0 0,12 1 */2 *", "0 4 8-14 * *", "0 0 1,15 * 3", "@daily", "@hourly", "@weekly", "@monthly", "@yearly",
    "0 12 * JAN,JUN *", "59 23 L * *",
]
RRULES = [
    "FREQ=DAILY", "FREQ=HOURLY;INTERVAL=5", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=MONTHLY;BYDAY=2TU", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=MINUTELY;INTERVAL=45",
    "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0", "FREQ=DAILY;COUNT=3", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "DTSTART:20240101T083000\nFREQ=WEEKLY;INTERVAL=2", "DTSTART:20240301T000000\nRRULE:FREQ=DAILY;UNTIL=20240320T000000",
    "DTSTART:20240101T000000\nRRULE:FREQ=DAILY\nEXDATE:20240310T000000",
]
INTERVALS = [60, 3600, 5400, 86400, 86400 * 7, 86400 * 1.5, 7 * 3600 + 13, 0.5]


async def dates(schedule, start, n):
    found = await schedule.get_dates(n, start=dt.datetime.fromisoformat(start))
    # Python's older time zone libraries know no change of the clocks after 2037.
    found = [date for date in found if date.year < 2038]
    return [date.astimezone(dt.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z") for date in found]


async def main():
    rng = random.Random(4)
    cases = []

    async def record(kind, fields, start, n=12):
        schedule = kind(**fields)
        cases.append({"schedule": json.loads(schedule.model_dump_json()), "start": start, "dates": await dates(schedule, start, n)})

    for cron in CRONS:
        for zone in ZONES:
            await record(CronSchedule, {"cron": cron, "timezone": zone}, rng.choice(STARTS))
        await record(CronSchedule, {"cron": cron, "timezone": "Europe/Berlin", "day_or": False}, rng.choice(STARTS))
    for zone in ZONES:
        for start in STARTS:
            for cron in ("30 2 * * *", "30 1 * * *", "*/30 * * * *"):
                await record(CronSchedule, {"cron": cron, "timezone": zone}, start, 100 if cron.startswith("*") else 12)
    for rrule in RRULES:
        for zone in ZONES:
            await record(RRuleSchedule, {"rrule": rrule, "timezone": zone}, rng.choice(STARTS))
    for seconds in INTERVALS:
        for zone in ZONES:
            for anchor in ("2020-01-01T00:00:00+00:00", "2024-01-15T02:30:00.250000+00:00", "2030-06-01T00:00:00+00:00"):
                fields = {"interval": dt.timedelta(seconds=seconds), "anchor_date": anchor, "timezone": zone}
                await record(IntervalSchedule, fields, rng.choice(STARTS))
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    sys.stdout.write(f"[\n{lines}\n]\n")


asyncio.run(main())
