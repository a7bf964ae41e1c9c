#!/usr/bin/env python3
"""Compares run.json of several runs, and names every arm that differs:

    scripts/steady.py RUN.json RUN.json...

Of the clients of the registry the verdicts count; of the lab's own also what the attacker got, for nothing about those is
left to chance. Exit code 1 where anything differs, or an arm is missing in one of them. What `clients/expectations.toml` has
on record as chance, with a reason, is told of and counted apart.
"""

import json
import sys


def arms(run):
    """What became of each arm: (scenario, arm, client) to (verdict, what the attacker got, why, whether that is chance)."""
    return {
        (arm["scenario"], arm["arm"], arm["client"]): (
            arm["verdict"],
            tuple(arm["got"]),
            arm["why"],
            bool(arm["exception"]) and isinstance(arm["expected"], list) and arm["verdict"] in arm["expected"],
        )
        for arm in run["arms"]
    }


def counted(key, found, others):
    """The part of it that must be the same in all runs."""
    if found is None:
        return "missing"
    verdict, got, *_ = found
    if key[2] in others or not got:
        return verdict
    return f"{verdict} ({', '.join(got)})"


def main(paths):
    runs = [json.load(open(path)) for path in paths]
    others = {client["name"] for run in runs for client in run["clients"]}
    found = [arms(run) for run in runs]
    keys = sorted(set().union(*found))
    doubtful, differ, chance = 0, 0, 0
    for key in keys:
        each = [run.get(key) for run in found]
        words = [counted(key, one, others) for one in each]
        doubtful += "inconclusive" in words
        if len(set(words)) == 1:
            continue
        on_record = all(one is not None and one[3] for one in each)
        chance += on_record
        differ += not on_record
        print(f"{key[0]} {key[1]} {key[2]}: {', '.join(words)}{' (chance, on record)' if on_record else ''}")
        told = set()
        for one, word in zip(each, words):
            if one and word not in told:
                told.add(word)
                print(f"    {word}: {one[2][:300]}")
    print(
        f"{len(keys)} arms in {len(runs)} runs: {differ} differ, {chance} differ by chance that is on record, "
        f"{doubtful} are inconclusive in any of them"
    )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
