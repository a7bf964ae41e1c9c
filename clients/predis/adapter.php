<?php
// Predis as a client under test.

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

run('predis', 'predis', Predis\Client::VERSION, function (array $case) {
    if (!in_array($case['username'], ['', 'default'], true)) {
        throw new Unsupported('Predis 1.1 knows no user names');
    }
    $parameters = parameters($case);
    $client = match ($case['topology'] ?? 'standalone') {
        'standalone' => new Predis\Client($parameters),
        // `parameters` are for the nodes that it discovers: without them it speaks plaintext to those.
        'cluster' => new Predis\Client([$parameters], [
            'cluster' => 'redis',
            'parameters' => array_diff_key($parameters, ['host' => 1, 'port' => 1]),
        ]),
        'sentinel' => throw new Unsupported('the adapter does not drive Predis with Sentinels'),
    };
    try {
        $client->set($case['key'], $case['value']);
        return $client->get($case['key']);
    } finally {
        $client->disconnect();
    }
});
