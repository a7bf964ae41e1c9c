// StackExchange.Redis as an adapter of the lab: `--adapter`, with one of the ways in `Trust`.

using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;
using Wirelab;

static class StackExchangeAdapter
{
    /// <summary>How applications decide about the server's certificate: the argument, and what it sets.</summary>
    static readonly Dictionary<string, Action<ConfigurationOptions, Case>> Trust = new()
    {
        ["--trust-issuer"] = (options, test) => options.TrustIssuer(test.Ca),
        ["--os-store"] = (_, _) => { },
        ["--accept-any"] = (options, _) => options.CertificateValidation += (_, _, _, _) => true,
        ["--ignore-chain"] = (options, _) => options.CertificateValidation += (_, _, _, errors) =>
            (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == SslPolicyErrors.None,
        ["--ignore-name"] = (options, _) => options.CertificateValidation += (_, _, _, errors) =>
            (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None,
        ["--environment"] = (_, test) => Environment.SetEnvironmentVariable("SERedis_IssuerCertPath", test.Ca),
    };

    public static int Run(string[] args)
    {
        var way = args.SingleOrDefault("--trust-issuer");
        if (!Trust.TryGetValue(way, out var trust))
        {
            Console.Error.WriteLine($"unknown argument {way}; known are {string.Join(", ", Trust.Keys)}");
            return 2;
        }
        // Callbacks that look at the errors get those of the operating system's store.
        var osStore = way is "--os-store" or "--ignore-name";
        return Adapter.Run("stackexchange-redis", "StackExchange.Redis", typeof(ConnectionMultiplexer), osStore, test =>
        {
            using var connection = ConnectionMultiplexer.Connect(Options(test, trust));
            var database = connection.GetDatabase();
            database.StringSet(test.Key, test.Value);
            return database.StringGet(test.Key);
        });
    }

    static ConfigurationOptions Options(Case test, Action<ConfigurationOptions, Case> trust)
    {
        var options = ConfigurationOptions.Parse(WithoutCertificates(test.Stackexchange!, out var cert, out var key));
        // Few attempts, and quick ones. The lab wants to see the first.
        options.AbortOnConnectFail = true;
        options.ConnectRetry = 1;
        options.ConnectTimeout = options.SyncTimeout = options.AsyncTimeout = test.Timeout;
        if (test.IsSentinel)
        {
            options.ServiceName ??= test.Service;
        }
        if (options.Ssl)
        {
            if (test.Verify)
            {
                trust(options, test);
            }
            else
            {
                Trust["--accept-any"](options, test);
            }
            if ((cert ?? test.ClientCert) is string certificate)
            {
                SetClientCertificate(options, certificate, key ?? test.ClientKey!);
            }
        }
        return options;
    }

    /// <summary>
    /// The string without `sslcert=` and `sslkey=`. Strings with them are in circulation, but StackExchange.Redis has
    /// no such keys and throws.
    /// </summary>
    static string WithoutCertificates(string text, out string? certificate, out string? key)
    {
        string? Value(string name) =>
            text.Split(',').FirstOrDefault(t => t.Trim().StartsWith(name, StringComparison.OrdinalIgnoreCase))
                ?.Split('=', 2)[1].Trim();
        certificate = Value("sslcert=");
        key = Value("sslkey=");
        if (certificate == null && key == null)
        {
            return text;
        }
        Console.Error.WriteLine("StackExchange.Redis knows no sslcert= and sslkey=; the adapter sets what was meant");
        if (certificate == null || key == null)
        {
            throw new ArgumentException("sslcert= and sslkey= go together, and one of them is missing");
        }
        return string.Join(',', text.Split(',').Where(token =>
            !token.Trim().StartsWith("sslcert=", StringComparison.OrdinalIgnoreCase)
            && !token.Trim().StartsWith("sslkey=", StringComparison.OrdinalIgnoreCase)));
    }

    static void SetClientCertificate(ConfigurationOptions options, string certificate, string key)
    {
#if HAS_PEM
        options.SetUserPemCertificate(certificate, key);
#else
        // Before 2.8.37 an application selects it by itself.
        var pair = X509Certificate2.CreateFromPemFile(certificate, key);
        options.CertificateSelection += (_, _, _, _, _) => pair;
#endif
    }
}
