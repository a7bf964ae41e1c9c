// StackExchange.Redis as a client under test: writes WIRELAB_VALUE under WIRELAB_KEY and reads it back.
//
//   --accept-any   accepts every certificate, as a callback that returns true does
//   --no-ssl       talks plaintext, as an application does that forgot `ssl=true`
//   --ssl-host     a string with `sslHost=` and without `ssl=true`, which is plaintext
//   --sslcert      adds `sslcert=` and `sslkey=` to the configuration string: keys that StackExchange.Redis does not have
//   --ignore-unknown   the same, parsed so that unknown keys are ignored
//   --adapter      takes cases on stdin instead (Adapter.cs)

using System.Reflection;
using StackExchange.Redis;

if (args is ["--adapter", ..])
{
    return StackExchangeAdapter.Run(args[1..]);
}
string[] known = ["--accept-any", "--no-ssl", "--ssl-host", "--sslcert", "--ignore-unknown"];
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
    if (args.Contains("--ssl-host"))
    {
        var tokens = text.Split(',').Where(token => !token.StartsWith("ssl=", StringComparison.OrdinalIgnoreCase));
        text = string.Join(',', tokens.Append($"sslHost={Variable("WIRELAB_HOST")}"));
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

static string Variable(string name) =>
    Environment.GetEnvironmentVariable(name)
    ?? throw new InvalidOperationException($"{name} is not set: run this through wirelab --client-cmd");
