<?php
// phpredis, the extension, as a client under test.
//
//   php adapter.php [--tls-on-seeds-only]
//
// --tls-on-seeds-only: `tls://` and no stream context, as where the operating system trusts the authority. A cluster's
// nodes that it discovers are then spoken to in plaintext.

declare(strict_types=1);

require __DIR__ . '/../php-shared/lab.php';

/** The host with its scheme: `tls://` stands before it. */
function dialled(array $case, string $host): string
{
    return ($case['tls'] ? 'tls://' : '') . $host;
}

function login(array $case): array
{
    return [$case['username'], $case['password']];
}

/** Connects with `tls://` before the host and a stream context, if any, and logs in. */
function connected(array $case, array $ssl, string $host, int $port): Redis
{
    $redis = new Redis();
    $wait = seconds($case);
    $context = $ssl === [] ? [] : ['stream' => $ssl];
    if (!$redis->connect(dialled($case, $host), $port, $wait, null, 0, $wait, $context)) {
        throw new RedisException('connect() returned false');
    }
    $redis->auth(login($case));
    return $redis;
}

function cluster(array $case, array $ssl): RedisCluster
{
    $seed = dialled($case, $case['host']) . ':' . $case['port'];
    $wait = seconds($case);
    // Without the context, it speaks plaintext to the nodes that it discovers.
    return new RedisCluster(null, [$seed], $wait, $wait, false, login($case), $ssl === [] ? null : $ssl);
}

/** Asks the Sentinel where the master is, as RedisSentinel's examples do, and connects there. */
function master(array $case, array $ssl): Redis
{
    $wait = seconds($case) / 2;
    $sentinel = $case['topology'] === 'clear-sentinel'
        ? new RedisSentinel($case['host'], $case['port'], $wait, null, 0, $wait)
        : new RedisSentinel(dialled($case, $case['host']), $case['port'], $wait, null, 0, $wait, login($case));
    $address = $sentinel->getMasterAddrByName($case['service']);
    if (!is_array($address)) {
        throw new RedisException('getMasterAddrByName() gave no address');
    }
    return connected($case, $ssl, $address[0], (int) $address[1]);
}

$onSeedsOnly = in_array('--tls-on-seeds-only', $argv, true);
run('phpredis', 'phpredis', phpversion('redis'), function (array $case) use ($onSeedsOnly) {
    $topology = $case['topology'] ?? 'standalone';
    // RedisSentinel of phpredis 5 takes no stream context: there too it is the environment that says whom to trust.
    $byEnvironment = $onSeedsOnly || $topology === 'sentinel';
    if ($byEnvironment && $case['tls'] && (!$case['verify'] || $case['client_cert'])) {
        throw new Unsupported('checks are switched off, and client certificates are shown, with a stream context only');
    }
    if ($onSeedsOnly && $topology === 'clear-sentinel') {
        throw new Unsupported('--tls-on-seeds-only is about clusters');
    }
    putenv($byEnvironment ? "SSL_CERT_FILE={$case['ca']}" : 'SSL_CERT_FILE');
    $ssl = $case['tls'] && !$onSeedsOnly ? ssl_options($case) : [];
    $redis = match ($topology) {
        'standalone' => connected($case, $ssl, $case['host'], $case['port']),
        'cluster' => cluster($case, $ssl),
        'sentinel', 'clear-sentinel' => master($case, $ssl),
        default => throw new Unsupported("the adapter knows no topology $topology"),
    };
    try {
        $redis->set($case['key'], $case['value']);
        return $redis->get($case['key']);
    } finally {
        $redis->close();
    }
});
