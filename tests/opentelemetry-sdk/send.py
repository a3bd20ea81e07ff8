"""Sends logs and metrics with the OpenTelemetry SDK of PyPI over OTLP/HTTP.

Where to, with which token and for which resource stand in the SDK's own environment variables
(`OTEL_EXPORTER_OTLP_*`, `OTEL_RESOURCE_ATTRIBUTES`). The value of the attribute `run` is the only
argument. Prints as JSON what became of each export.
"""

import json
import sys

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

(run,) = sys.argv[1:]
became = {"logs": [], "metrics": []}


class Logs(OTLPLogExporter):
    def export(self, *arguments, **options):
        result = super().export(*arguments, **options)
        became["logs"].append(result.name)
        return result


class Metrics(OTLPMetricExporter):
    def export(self, *arguments, **options):
        result = super().export(*arguments, **options)
        became["metrics"].append(result.name)
        return result


# A record's own attributes claim the neighbour as well, next to those of the resource.
claim = {"run": run, "resource_id": "shop-db"}

logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(Logs()))
logger = logs.get_logger("shop", "1.2")
for number in range(3):
    logger.emit(
        body=f"order {number} of {run}",
        severity_text="INFO",
        severity_number=SeverityNumber.INFO,
        attributes={**claim, "order": number},
    )
logs.shutdown()

# Longer than the program runs: what is sent is what shutting down sends, once.
metrics = MeterProvider(metric_readers=[PeriodicExportingMetricReader(Metrics(), export_interval_millis=3_600_000)])
meter = metrics.get_meter("shop", "1.2")
orders = meter.create_counter("shop.orders", unit="1", description="Orders that came in")
duration = meter.create_histogram("shop.duration", unit="s", description="How long they took")
waiting = meter.create_up_down_counter("shop.waiting")
for number in range(5):
    orders.add(1, claim)
    duration.record(number * 0.1, claim)
waiting.add(2, claim)
metrics.shutdown()

print(json.dumps(became))
