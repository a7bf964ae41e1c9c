<?php
// Predis as a client under test.
//
//   php adapter.php [--tls-on-seeds-only]
//
// --tls-on-seeds-only: TLS for the seed of a cluster or for a Sentinel, but not in `parameters`: what is discovered is
// spoken to in plaintext.

declare(strict_types=1);

require __DIR__ . '/../php-shared/lab.php';
require '/usr/share/php/Predis/autoload.php';

/** The parameters of a connection as Predis's README has them: the scheme `tls`, and `ssl` options. */
function parameters(array $case): array
{
    $parameters = [
        'scheme' => $case['tls'] ? 'tls' : 'tcp',
        'host' => $case['host'],
        'port' => $case['port'],
        // Whole seconds: it makes microseconds of them in a way that PHP 8 warns about.
        'timeout' => ceil(seconds($case)),
        'read_write_timeout' => ceil(seconds($case)),
    ];
    if ($case['password'] !== '') {
        // Predis 1.1 knows passwords only, those of the user `default`.
        $parameters['password'] = $case['password'];
    }
    if ($case['tls']) {
        $parameters['ssl'] = ssl_options($case);
    }
    return $parameters;
}

/** The parameters for what is discovered: without a scheme there, it is spoken to in plaintext. */
function discovered(array $parameters, bool $onSeedsOnly): array
{
    $without = $onSeedsOnly ? ['scheme' => 1, 'ssl' => 1] : [];
    return array_diff_key($parameters, ['host' => 1, 'port' => 1] + $without);
}

/** Asks the Sentinel for the master. It never logs in at Sentinels. */
function replication(array $case, array $sentinel, array $parameters): Predis\Client
{
    $client = new Predis\Client([$sentinel], [
        'replication' => 'sentinel',
        'service' => $case['service'],
        'parameters' => $parameters,
    ]);
    // By itself it would ask again 20 times, a second apart.
    $client->getConnection()->setRetryLimit(0);
    return $client;
}

$onSeedsOnly = in_array('--tls-on-seeds-only', $argv, true);
run('predis', 'predis', Predis\Client::VERSION, function (array $case) use ($onSeedsOnly) {
    if (!in_array($case['username'], ['', 'default'], true)) {
        throw new Unsupported('Predis 1.1 knows no user names');
    }
    $topology = $case['topology'] ?? 'standalone';
    if ($onSeedsOnly && $topology === 'clear-sentinel') {
        throw new Unsupported('with TLS on Sentinels only, none is asked without');
    }
    $parameters = parameters($case);
    $discovered = discovered($parameters, $onSeedsOnly);
    $client = match ($topology) {
        'standalone' => new Predis\Client($parameters),
        'cluster' => new Predis\Client([$parameters], ['cluster' => 'redis', 'parameters' => $discovered]),
        'sentinel' => replication($case, $parameters, $discovered),
        // `parameters` are for Sentinels too, where they have none of their own.
        'clear-sentinel' => replication($case, ['scheme' => 'tcp'] + $parameters, $discovered),
        default => throw new Unsupported("the adapter knows no topology $topology"),
    };
    try {
        $client->set($case['key'], $case['value']);
        return $client->get($case['key']);
    } finally {
        $client->disconnect();
    }
});
