"""Reads a server with the PyPI package prometheus-api-client, as a data scientist would.

Takes the server's URL, a bearer token (empty for none), and the first and last second of the range
as arguments; prints what it read as JSON. The same data give the same text.
"""

import datetime
import json
import sys

from prometheus_api_client import MetricRangeDataFrame, MetricSnapshotDataFrame, PrometheusConnect

url, token, start, end = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}"} if token else {}
server = PrometheusConnect(url=url, headers=headers)
first = datetime.datetime.fromtimestamp(int(start), datetime.timezone.utc)
last = datetime.datetime.fromtimestamp(int(end), datetime.timezone.utc)


def table(frame):
    """A data frame as sorted rows of text, its times and column names included."""
    frame = frame.reindex(sorted(frame.columns), axis=1)
    rows = [[str(index), *map(str, row)] for index, row in zip(frame.index, frame.itertuples(index=False))]
    return {"columns": list(frame.columns), "rows": sorted(rows)}


ranged = server.custom_query_range("cpu_usage_percent", start_time=first, end_time=last, step="60")
raw = server.get_metric_range_data("up", start_time=first, end_time=last)
snapshot = server.custom_query("sum by (canary, code) (http_requests_total)", params={"time": end})
print(
    json.dumps(
        {
            "metrics": sorted(server.all_metrics()),
            "labels": sorted(server.get_label_names()),
            "values": sorted(server.get_label_values("canary")),
            "range": table(MetricRangeDataFrame(ranged)),
            "raw": table(MetricRangeDataFrame(raw)),
            "snapshot": table(MetricSnapshotDataFrame(snapshot)),
        },
        sort_keys=True,
    )
)
