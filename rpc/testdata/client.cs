using System;
using System.IO;
using System.IO.Pipes;
using System.Text;

// Client PIPE calls a method for each line of its input, METHOD PARAMS, such as Calc.Add
// [1,2], and prints the answer, which is JSON.
static class Client
{
    static void Main(string[] args)
    {
        var utf8 = new UTF8Encoding(false); // without a byte order mark
        Console.SetIn(new StreamReader(Console.OpenStandardInput(), utf8));
        Console.SetOut(new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true });
        using (var pipe = new NamedPipeClientStream(".", args[0], PipeDirection.InOut))
        {
            pipe.Connect(5000); // waits for the server, in milliseconds
            string line;
            for (int id = 1; (line = Console.ReadLine()) != null; id++)
            {
                string[] words = line.Split(new[] { ' ' }, 2);
                Send(pipe, "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + words[0] + "\",\"params\":" + words[1] + "}");
                Console.WriteLine(Receive(pipe));
            }
        }
    }

    static void Send(Stream stream, string json)
    {
        byte[] body = Encoding.UTF8.GetBytes(json);
        byte[] header = Encoding.ASCII.GetBytes("Content-Length: " + body.Length + "\r\n\r\n");
        stream.Write(header, 0, header.Length);
        stream.Write(body, 0, body.Length);
        stream.Flush();
    }

    static string Receive(Stream stream)
    {
        const string key = "Content-Length:";
        int length = 0;
        for (string line; (line = HeaderLine(stream)) != "";)
            if (line.StartsWith(key, StringComparison.OrdinalIgnoreCase))
                length = int.Parse(line.Substring(key.Length));
        var body = new byte[length];
        for (int at = 0; at < length;)
        {
            int n = stream.Read(body, at, length - at);
            if (n == 0)
                throw new EndOfStreamException("the server has closed");
            at += n;
        }
        return Encoding.UTF8.GetString(body);
    }

    static string HeaderLine(Stream stream)
    {
        var line = new StringBuilder();
        for (int c; (c = stream.ReadByte()) != '\n';)
        {
            if (c < 0)
                throw new EndOfStreamException("the server has closed");
            line.Append((char)c);
        }
        return line.ToString().TrimEnd('\r');
    }
}
