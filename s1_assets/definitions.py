"""The front door: every asset, check, job and resource of the code location, resources chosen by settings.

The function is called lazily, so importing this module does no work; see `workspace.yaml` and `[tool.dg]`.
"""

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """The code location.

    Raises:
        SettingsError, CatalogueError: If the environment or the source catalogue cannot be used, every fault at once.
    """
    from s1_assets.assets.balance import BALANCE_CHECKS
    from s1_assets.automation.jobs import JOBS
    from s1_assets.automation.plan import ASSET_MODULES
    from s1_assets.resources.house import House
    from s1_assets.resources.io_manager import TableIOManager
    from s1_assets.resources.project import check_place

    house = House()
    check_place(*house.settings.relative)
    return dg.Definitions(
        assets=dg.load_assets_from_modules(ASSET_MODULES),
        asset_checks=BALANCE_CHECKS,
        jobs=JOBS,
        resources={"house": house, "io_manager": TableIOManager(house)},
        executor=dg.in_process_executor,
    )
