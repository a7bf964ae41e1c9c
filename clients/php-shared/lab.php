<?php
// What the adapters in PHP share: cases in on stdin, outcomes out on stdout, one JSON line each, in time.

declare(strict_types=1);

ini_set('display_errors', 'stderr'); // warnings are no answers
ini_set('log_errors', '0');

/** What the library has no way to do. */
final class Unsupported extends Exception
{
}

/** Seconds for a timeout of the library: short enough for its own error to be the answer. */
function seconds(array $case): float
{
    return $case['deadline_ms'] / 1000 * 0.4;
}

/** PHP's own options for TLS, as a stream context takes them under `ssl`. */
function ssl_options(array $case): array
{
    $options = ['cafile' => $case['ca']];
    if (!$case['verify']) {
        $options += ['verify_peer' => false, 'verify_peer_name' => false];
    }
    if (!empty($case['client_cert'])) {
        $options += ['local_cert' => $case['client_cert'], 'local_pk' => $case['client_key']];
    }
    return $options;
}

/** Answers cases until the input ends. `$roundTrip` sets the value and gives what it then got. */
function run(string $adapter, string $library, string $version, callable $roundTrip): void
{
    $answer = function (array $line): void {
        $flags = JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR;
        fwrite(STDOUT, json_encode($line, $flags) . "\n");
    };
    ob_start(fn (string $printed): string => fwrite(STDERR, $printed) === false ? '' : '', 1);
    $warnings = [];
    set_error_handler(function (int $level, string $text) use (&$warnings): bool {
        $warnings[] = $text;
        return true;
    });
    $runtime = 'PHP ' . PHP_VERSION;
    $answer(['protocol' => 1, 'adapter' => $adapter, 'library' => $library, 'version' => $version, 'runtime' => $runtime]);
    while (($line = fgets(STDIN)) !== false) {
        $case = json_decode($line, true, 16, JSON_THROW_ON_ERROR);
        $warnings = [];
        $answer(['id' => $case['id']] + outcome($case, $roundTrip, $warnings));
    }
}

function outcome(array $case, callable $roundTrip, array &$warnings): array
{
    try {
        $received = $roundTrip($case);
        if ($received === $case['value']) {
            return ['outcome' => 'worked', 'received' => $received];
        }
        $received = is_string($received) ? $received : null;
        $errors = ['GET returned another value than was SET'];
    } catch (Unsupported $why) {
        return ['outcome' => 'unsupported', 'error' => $why->getMessage()];
    } catch (Throwable $error) {
        $received = null;
        $errors = [];
        for (; $error !== null && count($errors) < 6; $error = $error->getPrevious()) {
            $errors[] = get_class($error) . ': ' . $error->getMessage();
        }
    }
    // PHP says why a handshake failed in warnings only.
    $text = implode('; ', array_unique(array_merge($errors, array_slice($warnings, 0, 6))));
    return ['outcome' => 'failed', 'received' => $received, 'error' => $text];
}
