"""Jobs: named parts of the graph."""

import dagster as dg

S1K = "s1k"

JOBS = [
    dg.define_asset_job(
        S1K,
        selection=dg.AssetSelection.assets("s1k_dataset").upstream(),
        description="From questions to s1K: what `s1 run` does, one partition at a time.",
    )
]
