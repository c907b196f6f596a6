<?php
// The actions of the client suite with PHP's ftp functions, as web applications use them (library.ts has
// the protocol).

$login = fn (string $name): string => getenv("FTP_$name");

set_error_handler(function (int $level, string $message): bool {
    throw new RuntimeException($message); // ftp_* warn with the server's words and return false
});

function connect(?string $password = null): FTP\Connection
{
    global $login;
    $connect = $login('MODE') === 'explicit' ? 'ftp_ssl_connect' : 'ftp_connect';
    $ftp = $connect($login('HOST'), (int) $login('PORT'), 50);
    if (!$ftp) {
        throw new RuntimeException('no connection');
    }
    ftp_login($ftp, $login('USER'), $password ?? $login('PASSWORD'));
    ftp_pasv($ftp, true);
    return $ftp;
}

function must(mixed $value): mixed
{
    return $value !== false ? $value : throw new RuntimeException('ftp function returned false');
}

function is_there(int $number): int
{
    return $number >= 0 ? $number : throw new RuntimeException("ftp function returned $number");
}

function pairs(array $names): array
{
    return array_merge(...array_map(fn (string $name) => [$name, ''], $names));
}

function facts(array $entries): array
{
    $seen = array_filter($entries, fn (array $entry) => in_array($entry['type'], ['file', 'dir']));
    return array_merge(...array_map(
        fn (array $entry) => [$entry['name'], $entry['type'] === 'file' ? $entry['size'] ?? '' : ''],
        array_values($seen),
    ));
}

/** PHP has no ABOR: an application that gives up ends, and its connections with it. */
function abort_put(FTP\Connection $ftp, string $local, string $remote): array
{
    $source = fopen($local, 'rb');
    $state = ftp_nb_fput($ftp, $remote, $source, FTP_BINARY);
    while ($state === FTP_MOREDATA && ftell($source) < filesize($local) - 65536) {
        $state = ftp_nb_continue($ftp);
    }
    answer('waiting');
    fgets(STDIN);
    return [];
}

function abort_get(FTP\Connection $ftp, string $remote, string $leastBytes): array
{
    $target = tmpfile();
    $state = ftp_nb_fget($ftp, $target, $remote, FTP_BINARY);
    while ($state === FTP_MOREDATA && ftell($target) < (int) $leastBytes) {
        $state = ftp_nb_continue($ftp);
    }
    return $state === FTP_MOREDATA ? [] : throw new RuntimeException('the download ended');
}

$actions = [
    'list-long' => fn ($ftp, $directory) => must(ftp_rawlist($ftp, $directory)),
    'list-names' => fn ($ftp, $path) => pairs(must(ftp_nlist($ftp, $path))),
    'list-facts' => fn ($ftp, $directory) => facts(must(ftp_mlsd($ftp, $directory))),
    'put' => fn ($ftp, $local, $remote) => must(ftp_put($ftp, $remote, $local, FTP_BINARY)),
    'get' => fn ($ftp, $remote, $local) => must(ftp_get($ftp, $local, $remote, FTP_BINARY)),
    'put-text' => fn ($ftp, $local, $remote) => must(ftp_put($ftp, $remote, $local, FTP_ASCII)),
    'get-text' => fn ($ftp, $remote, $local) => must(ftp_get($ftp, $local, $remote, FTP_ASCII)),
    'resume-get' => fn ($ftp, $remote, $local) => must(
        ftp_get($ftp, $local, $remote, FTP_BINARY, FTP_AUTORESUME),
    ),
    'resume-put' => fn ($ftp, $local, $remote) => must(
        ftp_put($ftp, $remote, $local, FTP_BINARY, FTP_AUTORESUME),
    ),
    'append' => fn ($ftp, $local, $remote) => must(ftp_append($ftp, $remote, $local, FTP_BINARY)),
    'put-many' => function ($ftp, $local, $remote, ...$names) {
        foreach ($names as $name) {
            must(ftp_put($ftp, "$remote/$name", "$local/$name", FTP_BINARY));
        }
    },
    'get-many' => function ($ftp, $remote, $local) {
        foreach (must(ftp_nlist($ftp, "$remote/*.bin")) as $path) {
            $name = basename($path);
            must(ftp_get($ftp, "$local/$name", "$remote/$name", FTP_BINARY));
        }
    },
    'rename' => fn ($ftp, $from, $to) => must(ftp_rename($ftp, $from, $to)),
    'delete' => fn ($ftp, $path) => must(ftp_delete($ftp, $path)),
    'make-directory' => fn ($ftp, $path) => must(ftp_mkdir($ftp, $path)),
    'remove-directory' => fn ($ftp, $path) => must(ftp_rmdir($ftp, $path)),
    'size' => fn ($ftp, $path) => [is_there(ftp_size($ftp, $path))],
    'modified' => fn ($ftp, $path) => [is_there(ftp_mdtm($ftp, $path))],
    'abort-put' => abort_put(...),
    'abort-get' => abort_get(...),
];

function act(string $action, string ...$words): array
{
    global $actions;
    if ($action === 'login') {
        $ftp = connect(...$words);
        must(ftp_pwd($ftp));
        $values = [];
    } else {
        $ftp = connect();
        $values = $actions[$action]($ftp, ...$words);
    }
    if (!str_starts_with($action, 'abort-')) {
        ftp_close($ftp);
    }
    return is_array($values) ? $values : [];
}

function answer(string ...$words): void
{
    echo implode("\t", array_map(rawurlencode(...), $words)), "\n";
}

while (($line = fgets(STDIN)) !== false) {
    try {
        $words = array_map(rawurldecode(...), explode("\t", rtrim($line, "\n")));
        answer('ok', ...array_map(strval(...), act(...$words)));
    } catch (Throwable $error) {
        answer('error', $error->getMessage());
    }
}
