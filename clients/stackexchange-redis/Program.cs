// StackExchange.Redis as a client under test: writes WIRELAB_VALUE under WIRELAB_KEY and reads it back.
//
//   --accept-any   accepts every certificate, as a callback that returns true does
//   --no-ssl       talks plaintext, as an application does that forgot `ssl=true`
//   --ssl-host     a string with `sslHost=` and without `ssl=true`, which is plaintext
//   --ssl-twice    `ssl=true` and `ssl=false` after it, which is plaintext
//   --rediss       `rediss://` before the host, which is taken for a part of its name
//   --ssl-maybe    a word for `ssl` that is neither true nor false
//   --capitals     the keys in capitals, which is as good as any
//   --sslcert      adds `sslcert=` and `sslkey=` to the configuration string: keys that StackExchange.Redis does not have
//   --ignore-unknown   the same, parsed so that unknown keys are ignored
//   --adapter      takes cases on stdin instead (Adapter.cs)

using System.Reflection;
using StackExchange.Redis;

if (args is ["--adapter", ..])
{
    return StackExchangeAdapter.Run(args[1..]);
}
// What is in circulation, made of a string that is right.
var rewritten = new Dictionary<string, Func<string, string>>
{
    ["--ssl-host"] = text => Without("ssl=", text) + $",sslHost={Variable("WIRELAB_HOST")}",
    ["--ssl-twice"] = text => text + ",ssl=false",
    ["--rediss"] = text => "rediss://" + Without("ssl=", text),
    ["--ssl-maybe"] = text => Without("ssl=", text) + ",ssl=maybe",
    ["--capitals"] = text => string.Join(',', text.Split(',').Select(Capital)),
};
string[] known = ["--accept-any", "--no-ssl", "--sslcert", "--ignore-unknown", .. rewritten.Keys];
var unknown = args.Except(known).ToArray();
if (unknown.Length > 0)
{
    Console.Error.WriteLine($"unknown argument {unknown[0]}; known are --adapter, {string.Join(", ", known)}");
    return 2;
}

var library = typeof(ConnectionMultiplexer).Assembly;
var version = library.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
Console.WriteLine($"StackExchange.Redis {version}");

try
{
    var text = Variable("WIRELAB_STACKEXCHANGE");
    var ignoreUnknown = args.Contains("--ignore-unknown");
    if (ignoreUnknown || args.Contains("--sslcert"))
    {
        text += $",sslcert={Variable("WIRELAB_CLIENT_CERT")},sslkey={Variable("WIRELAB_CLIENT_KEY")}";
    }
    foreach (var argument in args)
    {
        text = rewritten.TryGetValue(argument, out var rewrite) ? rewrite(text) : text;
    }
    var options = ConfigurationOptions.Parse(text, ignoreUnknown);
    // Few attempts, and quick ones. The lab wants to see the first.
    options.AbortOnConnectFail = true;
    options.ConnectRetry = 1;
    options.ConnectTimeout = 3000;
    if (args.Contains("--no-ssl"))
    {
        options.Ssl = false;
    }
    if (args.Contains("--accept-any"))
    {
        options.CertificateValidation += (_, _, _, _) => true;
    }
    else if (options.Ssl)
    {
        options.TrustIssuer(Variable("WIRELAB_CA"));
    }

    using var connection = ConnectionMultiplexer.Connect(options);
    var database = connection.GetDatabase();
    var (key, value) = (Variable("WIRELAB_KEY"), Variable("WIRELAB_VALUE"));
    database.StringSet(key, value);
    string? received = database.StringGet(key);
    if (received != value)
    {
        Console.Error.WriteLine("GET returned another value than the one that was SET");
        return 1;
    }
    return 0;
}
catch (Exception error)
{
    for (Exception? cause = error; cause != null; cause = cause.InnerException)
    {
        var message = cause.Message.ReplaceLineEndings(" ");
        Console.Error.WriteLine($"{cause.GetType().Name}: {message[..Math.Min(message.Length, 400)]}");
    }
    return 1;
}

static string Without(string key, string text) =>
    string.Join(',', text.Split(',').Where(token => !token.StartsWith(key, StringComparison.OrdinalIgnoreCase)));

// The key alone: the server, which has none, stays as it is.
static string Capital(string token) =>
    token.Split('=', 2) is [var key, var value] ? $"{key.ToUpperInvariant()}={value}" : token;

static string Variable(string name) =>
    Environment.GetEnvironmentVariable(name)
    ?? throw new InvalidOperationException($"{name} is not set: run this through wirelab --client-cmd");
