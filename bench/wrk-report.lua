-- Prints what load.ts reads, one fact per line, after the words that wrk prints for people.
-- Finer towards the tail: every half percent up to 99, then every hundredth.
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("bench requests %d\n", summary.requests))
  io.write(string.format("bench duration_us %d\n", summary.duration))
  io.write(string.format("bench errors %d\n",
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
  for step = 0, 197 do
    io.write(string.format("bench quantile %.4f %d\n", step / 200, latency:percentile(step / 2)))
  end
  for step = 9900, 9999 do
    io.write(string.format("bench quantile %.4f %d\n", step / 10000, latency:percentile(step / 100)))
  end
  io.write(string.format("bench quantile 1.0000 %d\n", latency.max))
end
