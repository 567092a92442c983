"""Exports of a run to Parquet, HDF5, NetCDF and CSV."""

from mgd_lab.run_store.export.export_run import export_run

__all__ = ["export_run"]
