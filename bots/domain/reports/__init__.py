"""Profit reports: one set of rows for page, API and CSV.

query: what is asked · cells: the rollups or trades that answer it · adding: sums over those trades
path: what follows from the order of the days · report: rows, totals, days · csv_text, workbook: the same rows for a
spreadsheet
"""

from bots.domain.reports.query import GROUPINGS, ReportQuery
from bots.domain.reports.report import Report, Row, report_for

__all__ = ["GROUPINGS", "Report", "ReportQuery", "Row", "report_for"]
