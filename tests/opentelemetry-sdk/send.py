"""Sends logs or metrics with the OpenTelemetry SDK of PyPI over OTLP/HTTP.

Takes `logs` or `metrics` and the value of the attribute `run` as arguments. Where to, with which token
and for which resource stand in the SDK's own environment variables (`OTEL_EXPORTER_OTLP_*`,
`OTEL_RESOURCE_ATTRIBUTES`). Prints as JSON what became of each export.
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

signal, run = sys.argv[1:]
became = []

# A record's own attributes claim the neighbour as well, next to those of the resource.
claim = {"run": run, "resource_id": "shop-db"}


def watched(exporter):
    """The exporter, with its results noted."""
    export = exporter.export

    def noted(*arguments, **options):
        result = export(*arguments, **options)
        became.append(result.name)
        return result

    exporter.export = noted
    return exporter


# Both providers send what they have when they are shut down, in one batch: nothing is sent earlier,
# because the program is done long before their intervals are over.
if signal == "logs":
    provider = LoggerProvider()
    exporter = watched(OTLPLogExporter())
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=3_600_000))
    logger = provider.get_logger("shop", "1.2")
    for number in range(3):
        logger.emit(
            body=f"order {number} of {run}",
            severity_text="INFO",
            severity_number=SeverityNumber.INFO,
            attributes={**claim, "order": number},
        )
else:
    exporter = watched(OTLPMetricExporter())
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider(metric_readers=[reader])
    meter = provider.get_meter("shop", "1.2")
    orders = meter.create_counter("shop.orders", description="Orders that came in")
    duration = meter.create_histogram("shop.duration", unit="s", description="How long they took")
    waiting = meter.create_up_down_counter("shop.waiting")
    for number in range(5):
        orders.add(1, claim)
        duration.record(number * 0.1, claim)
    waiting.add(2, claim)

provider.shutdown()
print(json.dumps(became))
