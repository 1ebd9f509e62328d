"""What every command is asked for that does not exist, by where that is known."""

Path = tuple[str, ...]

KNOWN_WITHOUT_A_FLEET: dict[Path, list[str]] = {
    ("up",): ["--only frob", "--scale frob=2", "--profile frob"],
    ("logs",): ["frob"],
    ("restart",): ["frob", "frob-1"],
    ("db",): ["frob"],
    ("test",): ["frob", "--service frob", "unit --service frob --count"],
    ("seed",): ["--size frob"],
    ("trace",): ["frob"],
    ("invariants",): ["--only frob"],
    ("scenario", "show"): ["frob"],
    ("scenario", "run"): [
        "frob", "flash-sale --defect frob", "flash-sale --form frob", "flash-sale --set frob=1",
        "flash-sale --kill frob", "flash-sale --kill frob-1",
    ],
    ("scenario", "recheck"): ["frob"],
    ("scenario", "compare"): ["frob", "frob latest"],
    ("scenario", "export"): ["frob", "--format frob", "--history frob"],
    ("scenario", "shrink"): ["frob"],
    ("scenario", "matrix"): ["frob", "flash-sale --defect frob"],
    ("load", "run"): ["frob", "checkout --compare frob"],
    ("drill", "start"): ["frob"],
    ("drill", "submit"): ["--service frob"],
    ("drill", "roll-back"): ["frob"],
    ("fault", "inject"): ["frob", "latency orders:postgres --set frob=1", "latency --set frob=1"],
    ("events", "dlq", "redrive"): ["frob"],
}  # fmt: skip
KNOWN_BY_THE_FLEET: dict[Path, list[str]] = {
    ("order",): ["frob"],
    ("mail", "show"): ["999999", "--to frob@example.com"],
    ("jobs", "retry"): ["frob"],
    ("jobs", "drop"): ["frob"],
    ("fault", "heal"): ["frob"],
}
ELSEWHERE: dict[Path, str] = {
    ("saga", "resume"): "orders answers it: tests/integration/orders/test_saga_commands.py",
    ("repair", "oversell"): "orders answers it: tests/unit/scenarios/test_oversell_plan.py",
    ("repair", "charges"): "the same: tests/unit/scenarios/test_charges_plan.py",
    ("events", "tail"): "its options choose among what there is; nothing chosen is an answer",
    ("events", "dlq", "list"): "a number only",
    ("mail", "preview"): "notifications answers it: tests/integration/notifications/test_previews.py",
    ("mail", "list"): "its options choose among what there is; nothing chosen is an answer",
    ("demo",): "numbers only",
    ("scenario", "soak"): "numbers only",
    ("top",): "numbers only",
}
