<?php
// Predis with `ssl` options and the scheme `tcp`: plaintext.

declare(strict_types=1);

require '/usr/share/php/Predis/autoload.php';

$client = new Predis\Client([
    'scheme' => 'tcp',
    'host' => getenv('WIRELAB_HOST'),
    'port' => (int) getenv('WIRELAB_PORT'),
    'password' => getenv('WIRELAB_PASSWORD'),
    'ssl' => ['cafile' => getenv('WIRELAB_CA'), 'verify_peer' => true],
    'timeout' => 3,
    'read_write_timeout' => 3,
]);
$client->set(getenv('WIRELAB_KEY'), getenv('WIRELAB_VALUE'));
exit($client->get(getenv('WIRELAB_KEY')) === getenv('WIRELAB_VALUE') ? 0 : 1);
